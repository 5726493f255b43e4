using EdgeMatrix.Accounts.Deactivation;
using EdgeMatrix.Delivery.Identity;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>Giving an account up.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#account-deactivation</remarks>
internal static class Deactivation
{
    /// <summary><c>POST /_matrix/client/v3/account/deactivate</c></summary>
    public static async Task<IResult> Deactivate(
        HttpRequest request, Requester? requester, UserInteractiveAuthentication authentication, AccountDeactivation deactivation,
        BoundThreePids bound)
    {
        var (body, error) = await request.ReadObjectOrEmptyAsync();
        if (error is not null)
        {
            return error;
        }

        var (wanted, badShape) = body.As(ClientApiJson.Default.DeactivateRequest);
        if (badShape is not null)
        {
            return badShape;
        }

        // "the AS should be able to manage any users and room alias in its namespace": its users have no passwords to show.
        var (user, userId) = (requester?.UserNid ?? 0, requester?.UserId ?? "");
        if (requester?.AppService is null)
        {
            var (passed, challenge) = await authentication.CheckAccountAsync(request, body, requester);
            if (passed is null)
            {
                return challenge!;
            }

            (user, userId) = (passed.Account!.User, passed.Account.UserId);
        }

        await deactivation.DeactivateAsync(user, wanted!.Erase is true);
        var unbound = await bound.UnbindAllAsync(user, userId, request.HttpContext.RequestAborted);
        return JsonText.Write(json =>
        {
            // "This must be success if the homeserver has no identifiers to unbind for the user".
            json.WriteStartObject();
            json.WriteString("id_server_unbind_result"u8, unbound ? "success"u8 : "no-support"u8);
            json.WriteEndObject();
        });
    }
}

/// <summary>The body of <c>POST /account/deactivate</c>, without <c>auth</c>.</summary>
internal sealed record DeactivateRequest
{
    /// <summary>False unless said otherwise.</summary>
    public bool? Erase { get; init; }
}
