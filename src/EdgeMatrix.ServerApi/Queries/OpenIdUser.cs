using EdgeMatrix.Accounts.Tokens;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Queries;

/// <summary><c>GET /_matrix/federation/v1/openid/userinfo</c>: who a user is, to whoever has a token for that.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#openid</remarks>
internal static class OpenIdUser
{
    public static IResult Get(HttpRequest request, OpenIdTokens tokens)
    {
        if (request.QueryText("access_token") is not { } token)
        {
            return MatrixError.MissingToken();
        }

        if (!tokens.TryRead(token, out var userId))
        {
            return new MatrixError(StatusCodes.Status401Unauthorized, "M_UNKNOWN_TOKEN", "The token is not known, or has expired");
        }

        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("sub"u8, userId);
            json.WriteEndObject();
        });
    }
}
