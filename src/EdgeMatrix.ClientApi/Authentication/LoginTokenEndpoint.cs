using EdgeMatrix.Accounts.Tokens;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>Letting another device in without typing the password there.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv1loginget_token</remarks>
internal static class LoginTokenEndpoint
{
    /// <summary><c>POST /_matrix/client/v1/login/get_token</c></summary>
    public static async Task<IResult> Get(
        HttpRequest request, Requester requester, UserInteractiveAuthentication authentication, LoginTokens tokens, ClientApiOptions options)
    {
        // "the server is not required to implement this endpoint if it does not intend to use or support this functionality."
        if (!options.LoginTokens)
        {
            return MatrixError.Unrecognized();
        }

        var (body, error) = await request.ReadObjectOrEmptyAsync();
        if (error is not null)
        {
            return error;
        }

        if (await authentication.CheckPasswordAsync(request, body, requester) is { } challenge)
        {
            return challenge;
        }

        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("login_token"u8, tokens.Issue(requester.UserNid));
            json.WriteNumber("expires_in_ms"u8, (long)LoginTokens.Lifetime.TotalMilliseconds);
            json.WriteEndObject();
        });
    }
}
