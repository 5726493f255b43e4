using EdgeMatrix.Storage;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace EdgeMatrix.Api.Pipeline;

/// <summary>Turns what a handler throws into an answer: a client that left is silence, a bug is one log line and a 500.</summary>
internal sealed partial class RequestFailures(ILogger logger)
{
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (BadHttpRequestException exception)
        {
            await AnswerAsync(context, exception.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? MatrixError.TooLarge("The body is too large")
                : MatrixError.BadRequest(exception.Message));
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to answer; whatever the handler was waiting for has been given up with the connection.
        }
        catch (ConnectionResetException)
        {
        }
        catch (AnswersFullException)
        {
            await AnswerAsync(context, MatrixError.LimitExceeded("Too much is on its way to other clients"));
        }
        catch (Exception exception) when (exception is DatabaseException { IsDiskFull: true } || DatabaseException.IsNoSpace(exception))
        {
            Log.DiskFull(logger, context.Request.Method, RouteOf(context), exception.Message);
            await AnswerAsync(context, MatrixError.DiskFull());
        }
        catch (Exception exception)
        {
            Log.RequestFailed(logger, context.Request.Method, RouteOf(context), exception);
            await AnswerAsync(context, exception is DatabaseException { IsDiskFailure: true } ? MatrixError.DiskFailed() : MatrixError.Internal());
        }
    }

    // The route, not the path: a path can hold a token, and holds names.
    private static string RouteOf(HttpContext context) => (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "no route";

    private static Task AnswerAsync(HttpContext context, MatrixError error)
    {
        if (context.Response.HasStarted)
        {
            // Half an answer is out: cutting the connection is the only way to say that it is not whole.
            context.Abort();
            return Task.CompletedTask;
        }

        return error.ExecuteAsync(context);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2001, Level = LogLevel.Error, Message = "{Method} {Route} failed")]
        public static partial void RequestFailed(ILogger logger, string method, string route, Exception exception);

        [LoggerMessage(EventId = 2002, Level = LogLevel.Error, Message = "{Method} {Route} is not stored, the disk is full: {Reason}")]
        public static partial void DiskFull(ILogger logger, string method, string route, string reason);
    }
}
