using System.Text;
using EdgeMatrix.Storage;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Console.Health;

/// <summary>
/// <c>GET /health</c>: 200 <c>{"status":"ok"}</c> while the server takes requests and its disk what they write; else 503 with
/// <c>starting</c>, <c>stopping</c>, <c>disk full</c> or <c>disk failed</c>. With the last two, reading goes on.
/// </summary>
internal sealed class HealthEndpoint(Readiness readiness, Database database)
{
    public async Task Get(HttpContext context)
    {
        var status = readiness.IsReady ? await DiskAsync() ?? readiness.Status : readiness.Status;
        context.Response.StatusCode = status == "ok" ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($$"""{"status":"{{status}}"}"""), context.RequestAborted);
    }

    /// <summary>What is the matter with the disk, or null. One that failed is tried anew, so that it is known when it recovers.</summary>
    private async Task<string?> DiskAsync() =>
        database.DiskFailure is null || await database.ProbeDiskAsync() is not { } failure ? null : failure.IsDiskFull ? "disk full" : "disk failed";
}
