using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.Api.Pipeline;

/// <summary>Gives <c>M_UNRECOGNIZED</c> to what no endpoint takes: 404 for the path, 405 for the method.</summary>
/// <remarks>Client libraries fall back on exactly that code. Spec: https://spec.matrix.org/v1.19/client-server-api/#common-error-codes</remarks>
internal static class Unrecognized
{
    public static async Task Invoke(HttpContext context, RequestDelegate next)
    {
        var endpoint = context.GetEndpoint();
        if (endpoint is RouteEndpoint || !ApiPaths.IsMatrix(context.Request.Path))
        {
            await next(context);
            return;
        }

        if (endpoint is null)
        {
            await MatrixError.Unrecognized().ExecuteAsync(context);
            return;
        }

        // Routing's own endpoint for a known path with another method: it names the allowed ones, and has no body.
        await next(context);
        if (context.Response is { StatusCode: StatusCodes.Status405MethodNotAllowed, HasStarted: false })
        {
            await MatrixError.MethodNotAllowed().ExecuteAsync(context);
        }
    }
}
