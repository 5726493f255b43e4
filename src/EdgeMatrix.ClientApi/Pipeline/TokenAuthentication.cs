using EdgeMatrix.Accounts.Tokens;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Pipeline;

/// <summary>Finds the <see cref="Requester"/> of a request by its access token.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#using-access-tokens</remarks>
internal sealed class TokenAuthentication(AccessTokens tokens)
{
    private const string Bearer = "Bearer ";

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var use = context.GetEndpoint()?.Metadata.GetMetadata<TokenUseMark>()?.Use ?? TokenUse.None;
        if (use == TokenUse.Required)
        {
            if (FindToken(context.Request) is not { } token)
            {
                await MatrixError.MissingToken().ExecuteAsync(context);
                return;
            }

            var lookup = await tokens.AuthenticateAsync(token, context.Connection.RemoteIpAddress?.ToString());
            if (lookup.Verdict != TokenVerdict.Good)
            {
                await MatrixError.UnknownToken(softLogout: lookup.Verdict == TokenVerdict.Expired).ExecuteAsync(context);
                return;
            }

            var who = lookup.Owner!;
            context.Features.Set(new Requester(who.UserId, who.UserNid, who.DeviceId, who.DeviceNid, who.IsAdmin));
        }

        await next(context);
    }

    private static string? FindToken(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
        {
            return header[Bearer.Length..].Trim();
        }

        return request.QueryText("access_token");
    }
}
