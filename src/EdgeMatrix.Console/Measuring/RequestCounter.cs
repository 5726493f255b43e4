using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Console.Measuring;

/// <summary>Counts answers by the class of their status code, and requests still under way.</summary>
public sealed class RequestCounter
{
    private const int Classes = 6;

    // By first digit of the status code.
    private readonly long[] _answered = new long[Classes];
    private long _underWay;

    public RequestCounter(Metrics metrics)
    {
        for (var digit = 1; digit < Classes; digit++)
        {
            var index = digit;
            metrics.Counter(
                "edgematrix_http_requests_total",
                "HTTP requests answered, by class of status code.",
                $"class=\"{index}xx\"",
                () => Interlocked.Read(ref _answered[index]));
        }

        metrics.Gauge("edgematrix_http_requests_under_way", "HTTP requests not yet answered, long polls too.", () => Interlocked.Read(ref _underWay));
    }

    /// <summary>The outermost middleware.</summary>
    public async Task Count(HttpContext context, RequestDelegate next)
    {
        Interlocked.Increment(ref _underWay);
        try
        {
            await next(context);
            Answered(context.Response.StatusCode);
        }
        catch
        {
            // Whoever serves answers 500 to what escapes us.
            Answered(StatusCodes.Status500InternalServerError);
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    private void Answered(int status) => Interlocked.Increment(ref _answered[Math.Clamp(status / 100, 1, Classes - 1)]);
}
