using EdgeMatrix.Console.Health;
using EdgeMatrix.Console.Measuring;
using EdgeMatrix.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.Console;

/// <summary>What whoever runs the server looks at.</summary>
public static class ConsoleRoutes
{
    /// <param name="adminToken">The bearer token of <c>/metrics</c>; null: only loopback peers may read it.</param>
    public static void MapConsole(this IEndpointRouteBuilder routes, Readiness readiness, Database database, Metrics metrics, string? adminToken)
    {
        routes.MapGet("/health", (RequestDelegate)new HealthEndpoint(readiness, database).Get);
        routes.MapGet("/metrics", (RequestDelegate)new MetricsEndpoint(metrics, adminToken).Get);
    }
}
