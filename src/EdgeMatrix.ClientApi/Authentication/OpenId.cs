using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.ClientApi.ClientConfig;
using EdgeMatrix.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>Telling other services who a user is.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#openid</remarks>
internal static class OpenId
{
    /// <summary><c>POST /_matrix/client/v3/user/{userId}/openid/request_token</c></summary>
    public static async Task<IResult> RequestToken(
        string userId, HttpRequest request, Requester requester, OpenIdTokens tokens, LocalServer server)
    {
        var (_, error) = await request.ReadObjectOrEmptyAsync();
        if ((error ?? Own.Refuse(userId, requester)) is { } refused)
        {
            return refused;
        }

        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("access_token"u8, tokens.Issue(userId));
            json.WriteNumber("expires_in"u8, (long)OpenIdTokens.Lifetime.TotalSeconds);
            json.WriteString("matrix_server_name"u8, server.Name);
            json.WriteString("token_type"u8, "Bearer");
            json.WriteEndObject();
        });
    }
}
