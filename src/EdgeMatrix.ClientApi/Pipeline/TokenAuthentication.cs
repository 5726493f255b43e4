using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.ClientApi.Admin;
using EdgeMatrix.ClientApi.AppServices;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Pipeline;

/// <summary>Finds the <see cref="Requester"/> of a request by its access token.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#using-access-tokens</remarks>
internal sealed class TokenAuthentication(AccessTokens tokens, KnownAppServices appServices, Database database)
{
    private const string Bearer = "Bearer ";

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var use = context.GetEndpoint()?.Metadata.GetMetadata<TokenUseMark>()?.Use ?? TokenUse.None;
        var token = use == TokenUse.None ? null : FindToken(context.Request);
        if (use == TokenUse.Required && token is null)
        {
            await MatrixError.MissingToken().ExecuteAsync(context);
            return;
        }

        var service = token is null ? null : appServices.Authenticate(token);
        if (use == TokenUse.AppService)
        {
            context.Features.Set(new AppServiceCaller(service, token is not null));
        }
        else if (service is not null)
        {
            var (requester, standing, error) = AppServiceIdentity.Read(context.Request, service, database);
            if ((error ?? Refuse(context, standing)) is { } refused)
            {
                await refused.ExecuteAsync(context);
                return;
            }

            Let(context, requester!);
        }
        else if (token is not null)
        {
            var lookup = await tokens.AuthenticateAsync(token, context.Connection.RemoteIpAddress?.ToString(), context.Request.Headers.UserAgent);
            if (lookup.Verdict != TokenVerdict.Good)
            {
                await MatrixError.UnknownToken(softLogout: lookup.Verdict == TokenVerdict.Expired).ExecuteAsync(context);
                return;
            }

            var who = lookup.Owner!;
            if (Refuse(context, who.Standing) is { } refused)
            {
                await refused.ExecuteAsync(context);
                return;
            }

            Let(context, new Requester(who.UserId, who.UserNid, who.DeviceId, who.DeviceNid, who.Standing.Admin)
            {
                IsGuest = who.Standing.Guest,
                IsSuspended = who.Standing.Suspended,
            });
        }

        await next(context);
    }

    private static void Let(HttpContext context, Requester requester)
    {
        context.Features.Set(requester);
        if (context.Features.Get<RequestBodyMemory>() is { } body)
        {
            body.Sender = BodySender.User;
        }
    }

    // An endpoint without a mark is of no table of the Client-Server API: it is for accounts without limits.
    private static MatrixError? Refuse(HttpContext context, AccountStanding standing)
    {
        var mark = context.GetEndpoint()?.Metadata.GetMetadata<AccountLimitMark>();
        var adminOnly = context.GetEndpoint()?.Metadata.GetMetadata<AdminOnlyMark>() is not null;
        return standing.Locked && mark?.ForLocked is not true ? MatrixError.UserLocked()
            : standing.Guest && mark?.ForGuests is not true ? MatrixError.GuestAccessForbidden("Guests may not do that")
            : standing.Suspended && mark?.NotForSuspended is true ? MatrixError.UserSuspended()
            : adminOnly && !standing.Admin ? AdminOnly.Refusal()
            : null;
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
