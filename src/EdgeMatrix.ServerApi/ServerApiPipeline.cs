using EdgeMatrix.Api.Limits;
using EdgeMatrix.Federation;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Rooms;
using EdgeMatrix.ServerApi.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeMatrix.ServerApi;

/// <summary>What the requests of other servers pass before their endpoint.</summary>
public static class ServerApiPipeline
{
    /// <summary>Adds the check of signatures. Call it after the pipeline that both interfaces share, and before anything is mapped.</summary>
    public static void UseServerApi(this WebApplication app) => app.Use(new ServerAuthentication(
        app.Services.GetRequiredService<LocalServer>(),
        app.Services.GetRequiredService<FederationSettings>(),
        app.Services.GetRequiredService<KeyRing>(),
        app.Services.GetRequiredService<Destinations>(),
        app.Services.GetRequiredService<RateLimiter>()).InvokeAsync);
}
