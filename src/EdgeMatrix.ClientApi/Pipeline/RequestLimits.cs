using EdgeMatrix.Storage.Memory;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Pipeline;

/// <summary>How many requests are under way at once, and how many bytes of bodies they hold. One beyond is told to try again later.</summary>
internal sealed class RequestLimits
{
    // More than there are connections of HTTP/1; of HTTP/2 each has many.
    private const int MaxUnderWay = 5_000;

    private readonly ByteAllowance _bodies = new("request_bodies", wanted: 8 << 20, least: 2 << 20);

    // Apart, so that strangers cannot fill the place of those who are known.
    private readonly ByteAllowance _bodiesOfStrangers = new("request_bodies_of_strangers", wanted: 1 << 20, least: 256 << 10);
    private int _underWay;

    public RequestLimits(MemoryBudget memory)
    {
        memory.Add(_bodies);
        memory.Add(_bodiesOfStrangers);
    }

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        RequestBodyMemory? body = null;
        try
        {
            if (Interlocked.Increment(ref _underWay) > MaxUnderWay)
            {
                await MatrixError.LimitExceeded("Too many requests are under way").ExecuteAsync(context);
                return;
            }

            if (!HttpMethods.IsGet(context.Request.Method))
            {
                context.Features.Set(body = new RequestBodyMemory(context, _bodies, _bodiesOfStrangers));
            }

            await next(context);
        }
        finally
        {
            body?.Release();
            Interlocked.Decrement(ref _underWay);
        }
    }
}

/// <summary>What one request holds of its body, until it is answered.</summary>
internal sealed class RequestBodyMemory(HttpContext context, ByteAllowance bodies, ByteAllowance bodiesOfStrangers)
{
    /// <summary>The most that is read from whoever shows no token.</summary>
    public const int MaxOfStrangers = 64 << 10;

    private ByteAllowance? _allowance;
    private long _held;
    private int _grants;

    public bool IsStrangers => context.Features.Get<Requester>() is null;

    public bool TryHold(int bytes)
    {
        _allowance ??= IsStrangers ? bodiesOfStrangers : bodies;
        if (!_allowance.TryHold(bytes))
        {
            return false;
        }

        _held += bytes;
        _grants++;
        return true;
    }

    public void Release() => _allowance?.Release(_held, _grants);
}
