using EdgeMatrix.Storage.Memory;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Api.Pipeline;

/// <summary>How many requests are under way at once, and how many bytes of bodies they hold. One beyond is told to try again later.</summary>
internal sealed class RequestLimits
{
    // More than there are connections of HTTP/1; of HTTP/2 each has many.
    private const int MaxUnderWay = 5_000;

    private readonly ByteAllowance _ofUsers = new("request_bodies", wanted: 8 << 20, least: 2 << 20);

    // Apart, so that strangers cannot fill the place of those who are known.
    private readonly AddressAllowance _ofStrangers =
        new(new("request_bodies_of_strangers", wanted: 1 << 20, least: 256 << 10), 4, RequestBodyMemory.MaxOfStrangers);

    // The signature of a request stands over its body, which so must be read before it is known whose it is.
    private readonly AddressAllowance _ofServers =
        new(new("request_bodies_of_servers", wanted: 16 << 20, least: 8 << 20), 2, RequestBodyMemory.MaxOfServers);

    private int _underWay;

    public RequestLimits(MemoryBudget memory)
    {
        memory.Add(_ofUsers);
        memory.Add(_ofStrangers.Bytes);
        memory.Add(_ofServers.Bytes);
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
                context.Features.Set(body = new RequestBodyMemory(context, _ofUsers, _ofStrangers, _ofServers));
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

/// <summary>Bytes for those of whom nothing is known but their address: each may hold a part of them, and one body in any case.</summary>
/// <param name="part">What share one address may have: one of so many.</param>
internal sealed class AddressAllowance(ByteAllowance bytes, int part, long oneBody)
{
    private readonly Dictionary<string, long> _held = new(StringComparer.Ordinal);

    public ByteAllowance Bytes => bytes;

    public bool TryHold(string address, int count)
    {
        lock (_held)
        {
            var held = _held.GetValueOrDefault(address) + count;
            if (held > Math.Max(oneBody, bytes.Capacity / part) || !bytes.TryHold(count))
            {
                return false;
            }

            _held[address] = held;
            return true;
        }
    }

    public void Release(string address, long count, int grants)
    {
        bytes.Release(count, grants);
        lock (_held)
        {
            if ((_held[address] -= count) == 0)
            {
                _held.Remove(address);
            }
        }
    }
}

/// <summary>Who sends the body of a request.</summary>
internal enum BodySender
{
    /// <summary>Somebody who shows no token.</summary>
    Stranger,

    /// <summary>A user.</summary>
    User,

    /// <summary>Somebody who says that they are a server, and proves it by a signature over the body.</summary>
    Server,
}

/// <summary>What one request holds of its body, until it is answered.</summary>
internal sealed class RequestBodyMemory(HttpContext context, ByteAllowance ofUsers, AddressAllowance ofStrangers, AddressAllowance ofServers)
{
    /// <summary>The most that is read from whoever shows no token.</summary>
    public const int MaxOfStrangers = 64 << 10;

    /// <summary>The most that is read from another server: a transaction of 50 events, and EDUs to go with them.</summary>
    public const int MaxOfServers = 8 << 20;

    private AddressAllowance? _allowance;
    private string? _address;
    private long _held;
    private int _grants;

    /// <summary>As it is known before the first byte is read.</summary>
    public BodySender Sender { get; set; }

    public bool TryHold(int bytes)
    {
        _allowance ??= Sender switch { BodySender.Stranger => ofStrangers, BodySender.Server => ofServers, _ => null };
        if (!(_allowance?.TryHold(_address ??= ClientAddress.Of(context), bytes) ?? ofUsers.TryHold(bytes)))
        {
            return false;
        }

        _held += bytes;
        _grants++;
        return true;
    }

    public void Release()
    {
        if (_allowance is null)
        {
            ofUsers.Release(_held, _grants);
        }
        else if (_held > 0)
        {
            _allowance.Release(_address!, _held, _grants);
        }
    }
}
