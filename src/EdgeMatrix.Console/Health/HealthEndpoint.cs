using System.Text;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Console.Health;

/// <summary><c>GET /health</c>: 200 while the server takes requests, else 503; <c>{"status":"ok"}</c>, <c>starting</c>, <c>stopping</c>.</summary>
internal sealed class HealthEndpoint(Readiness readiness)
{
    public Task Get(HttpContext context)
    {
        context.Response.StatusCode = readiness.IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($$"""{"status":"{{readiness.Status}}"}"""), context.RequestAborted).AsTask();
    }
}
