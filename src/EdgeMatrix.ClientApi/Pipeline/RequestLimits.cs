using EdgeMatrix.ClientApi.Limits;
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
    private readonly Dictionary<string, long> _ofStrangers = new(StringComparer.Ordinal);
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
                context.Features.Set(body = new RequestBodyMemory(context, _bodies, _bodiesOfStrangers, this));
            }

            await next(context);
        }
        finally
        {
            body?.Release();
            Interlocked.Decrement(ref _underWay);
        }
    }

    /// <summary>Grants bytes to strangers of one address: up to a quarter of what all of them may hold together, and one body in any case.</summary>
    internal bool TryHold(string address, int bytes)
    {
        lock (_ofStrangers)
        {
            var held = _ofStrangers.GetValueOrDefault(address) + bytes;
            if (held > Math.Max(RequestBodyMemory.MaxOfStrangers, _bodiesOfStrangers.Capacity / 4))
            {
                return false;
            }

            _ofStrangers[address] = held;
            return true;
        }
    }

    internal void Release(string address, long bytes)
    {
        lock (_ofStrangers)
        {
            if ((_ofStrangers[address] -= bytes) == 0)
            {
                _ofStrangers.Remove(address);
            }
        }
    }
}

/// <summary>What one request holds of its body, until it is answered.</summary>
internal sealed class RequestBodyMemory(HttpContext context, ByteAllowance bodies, ByteAllowance bodiesOfStrangers, RequestLimits limits)
{
    /// <summary>The most that is read from whoever shows no token.</summary>
    public const int MaxOfStrangers = 64 << 10;

    private ByteAllowance? _allowance;
    private string? _address;
    private long _held;
    private int _grants;

    public bool IsStrangers => context.Features.Get<Requester>() is null;

    public bool TryHold(int bytes)
    {
        _allowance ??= IsStrangers ? bodiesOfStrangers : bodies;
        if (_allowance == bodiesOfStrangers && !limits.TryHold(_address ??= ClientAddress.Of(context), bytes))
        {
            return false;
        }

        if (!_allowance.TryHold(bytes))
        {
            if (_address is not null)
            {
                limits.Release(_address, bytes);
            }

            return false;
        }

        _held += bytes;
        _grants++;
        return true;
    }

    public void Release()
    {
        _allowance?.Release(_held, _grants);
        if (_address is not null && _held > 0)
        {
            limits.Release(_address, _held);
        }
    }
}
