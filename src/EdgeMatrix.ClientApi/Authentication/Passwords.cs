using EdgeMatrix.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>Changing passwords.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#password-management</remarks>
internal static class Passwords
{
    // More adds nothing, and hashing is work that anybody can ask for.
    private const int MaxLength = 512;

    /// <summary><c>POST /_matrix/client/v3/account/password</c></summary>
    public static async Task<IResult> Change(
        HttpRequest request, Requester? requester, UserInteractiveAuthentication authentication, UserAccounts accounts)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (wanted, badShape) = body.As(ClientApiJson.Default.ChangePasswordRequest);
        if (badShape is not null)
        {
            return badShape;
        }

        if (Refuse(wanted!.NewPassword, "new_password") is { } refused)
        {
            return refused;
        }

        var (passed, challenge) = await authentication.CheckAccountOrEmailAsync(request, body, requester);
        if (passed is null)
        {
            return challenge!;
        }

        // "The homeserver SHOULD NOT revoke the access token provided in the request."
        await accounts.SetPasswordAsync(
            passed.Account!.User,
            wanted.NewPassword!,
            logOut: wanted.LogoutDevices is not false,
            except: requester?.DeviceNid,
            request.HttpContext.RequestAborted);
        return JsonText.Empty;
    }

    /// <summary>Null if the password may be set.</summary>
    /// <param name="name">The name of the parameter.</param>
    public static MatrixError? Refuse(string? password, string name) => password switch
    {
        null => MatrixError.MissingParam(name),
        "" => MatrixError.InvalidParam($"{name} is empty"),
        { Length: > MaxLength } => MatrixError.InvalidParam($"{name} has more than {MaxLength} characters"),
        _ => null,
    };
}

/// <summary>The body of <c>POST /account/password</c>, without <c>auth</c>.</summary>
internal sealed record ChangePasswordRequest
{
    public string? NewPassword { get; init; }

    /// <summary>True unless said otherwise.</summary>
    public bool? LogoutDevices { get; init; }
}
