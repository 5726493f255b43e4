using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.ClientApi.Pipeline;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EdgeMatrix.ClientApi;

/// <summary>What every request for Matrix passes before its endpoint.</summary>
public static class ClientApiPipeline
{
    /// <summary>
    /// Adds, in this order: CORS, failures, limits, the path as sent, routing, unrecognized requests, decoding, access tokens, rates, activity.
    /// Call it before anything is mapped; it does nothing to paths outside <c>/_matrix</c>, <c>/_synapse</c> and
    /// <c>/.well-known/matrix</c>, apart from routing them.
    /// </summary>
    public static void UseClientApi(this WebApplication app)
    {
        app.Use(CrossOrigin.Invoke);
        app.Use(new RequestFailures(app.Services.GetRequiredService<ILogger<RequestFailures>>()).InvokeAsync);
        app.Use(ClientAddress.Invoke);
        app.Use(new RequestLimits(app.Services.GetRequiredService<Database>().Memory).InvokeAsync);
        app.Use(RequestPath.Restore);
        app.UseRouting();
        app.Use(Unrecognized.Invoke);
        app.Use(RequestPath.Decode);
        app.Use(new TokenAuthentication(
            app.Services.GetRequiredService<AccessTokens>(),
            app.Services.GetRequiredService<KnownAppServices>(),
            app.Services.GetRequiredService<Database>()).InvokeAsync);
        app.Use(new RequestRates(app.Services.GetRequiredService<RateLimiter>()).InvokeAsync);
        app.Use(new UserActivity(app.Services.GetRequiredService<UserPresence>()).InvokeAsync);
    }
}
