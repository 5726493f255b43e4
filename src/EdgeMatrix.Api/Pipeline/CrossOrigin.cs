using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Api.Pipeline;

/// <summary>Lets web clients of any origin in, on every answer, errors too.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#web-browser-clients</remarks>
internal static class CrossOrigin
{
    public static Task Invoke(HttpContext context, RequestDelegate next)
    {
        if (!ApiPaths.IsMatrix(context.Request.Path))
        {
            return next(context);
        }

        var headers = context.Response.Headers;
        headers.AccessControlAllowOrigin = "*";
        headers.AccessControlAllowMethods = "GET, POST, PUT, DELETE, OPTIONS";
        headers.AccessControlAllowHeaders = "X-Requested-With, Content-Type, Authorization";

        // "the server MUST NOT perform any logic defined for the endpoints when approached with an OPTIONS request"
        if (HttpMethods.IsOptions(context.Request.Method))
        {
            headers.AccessControlMaxAge = "86400";
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        }

        return next(context);
    }
}
