using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Console.Measuring;

/// <summary><c>GET /metrics</c>, for whoever has the administrator's token, or without one for this machine alone.</summary>
internal sealed class MetricsEndpoint(Metrics metrics, string? adminToken)
{
    private const string Bearer = "Bearer ";

    public async Task Get(HttpContext context)
    {
        if (adminToken is null ? !IsLocal(context) : !HasToken(context.Request, adminToken))
        {
            await Refuse(context);
            return;
        }

        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(metrics.ToPrometheusText()), context.RequestAborted);
    }

    // What a reverse proxy on this machine passes on comes from elsewhere; proxies say so.
    private static bool IsLocal(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } peer
        && IPAddress.IsLoopback(peer)
        && !context.Request.Headers.ContainsKey("X-Forwarded-For")
        && !context.Request.Headers.ContainsKey("Forwarded");

    // The time this takes tells nothing about how much of the token was right.
    private static bool HasToken(HttpRequest request, string token)
    {
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(header[Bearer.Length..]), Encoding.UTF8.GetBytes(token));
    }

    private Task Refuse(HttpContext context)
    {
        context.Response.StatusCode = adminToken is null ? StatusCodes.Status403Forbidden : StatusCodes.Status401Unauthorized;
        context.Response.ContentType = "application/json";
        if (adminToken is not null)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        return context.Response.Body.WriteAsync(
            adminToken is null
                ? """{"errcode":"M_FORBIDDEN","error":"Only this machine may read the metrics, until admin.token is set"}"""u8.ToArray()
                : """{"errcode":"M_UNKNOWN_TOKEN","error":"The metrics need the token that admin.token holds"}"""u8.ToArray(),
            context.RequestAborted).AsTask();
    }
}
