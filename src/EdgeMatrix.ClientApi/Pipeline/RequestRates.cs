using EdgeMatrix.Api.Limits;
using EdgeMatrix.ClientApi.AppServices;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Pipeline;

/// <summary>Turns away who sends too much: users where there is a token, addresses where there is none.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#rate-limiting</remarks>
internal sealed class RequestRates(RateLimiter limiter)
{
    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<TokenUseMark>() is null)
        {
            return next(context);
        }

        var requester = context.Features.Get<Requester>();
        if (IsUnlimited(requester) || context.Features.Get<AppServiceCaller>() is { Service: not null })
        {
            return next(context);
        }

        var kind = endpoint.Metadata.GetMetadata<RateMark>()?.Kind ?? RateKind.Other;
        var who = requester?.UserId ?? ClientAddress.Of(context);
        return limiter.Count(kind, who) is { } wait
            ? MatrixError.LimitExceeded("Too many requests", wait).ExecuteAsync(context)
            : next(context);
    }

    // "Whether requests from masqueraded users are rate-limited. The sender is excluded."
    private static bool IsUnlimited(Requester? requester) =>
        requester?.AppService is { } service && (!service.Registration.RateLimited || requester.UserId == service.SenderId);
}
