using System.Net;
using System.Net.Sockets;

namespace EdgeMatrix.Outbound.Names;

/// <summary>
/// The one place where names are looked up for requests to others: each once at a time, so many at once, and what was found, or not, is remembered. A
/// thousand requests to a dead server make one look-up a minute.
/// </summary>
public sealed class NameResolver : IDisposable
{
    private const int MostKept = 2_000;
    private const int AtOnce = 16;

    // The system does not tell how long an address holds; connections are made anew every few minutes at most.
    private static readonly TimeSpan _addressHolds = TimeSpan.FromMinutes(1);

    // Nobody answered: that may be over in a moment, but not for each of those who ask.
    private static readonly TimeSpan _failureHolds = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan _shortest = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _longest = TimeSpan.FromHours(24);

    private readonly SemaphoreSlim _turns = new(AtOnce);
    private readonly SharedLookup<string, IPAddress[]?> _addresses;
    private readonly SharedLookup<string, IReadOnlyList<SrvRecord>?> _services;

    /// <param name="addresses">The addresses of a host; throws a <see cref="SocketException"/> if it has none.</param>
    /// <param name="services">The SRV records of a name.</param>
    public NameResolver(
        Func<string, CancellationToken, Task<IPAddress[]>> addresses,
        Func<string, CancellationToken, Task<SrvAnswer>> services,
        TimeProvider time)
    {
        _addresses = new(FindAddressesAsync, MostKept, time);
        _services = new(FindServicesAsync, MostKept, time);

        async Task<(IPAddress[]?, TimeSpan)> FindAddressesAsync(string host, IPAddress[]? before, CancellationToken cancellation)
        {
            await _turns.WaitAsync(cancellation);
            try
            {
                return (await addresses(host, cancellation), _addressHolds);
            }
            catch (Exception exception) when (exception is SocketException or ArgumentException)
            {
                return (null, _failureHolds);
            }
            finally
            {
                _turns.Release();
            }
        }

        async Task<(IReadOnlyList<SrvRecord>?, TimeSpan)> FindServicesAsync(
            string name, IReadOnlyList<SrvRecord>? before, CancellationToken cancellation)
        {
            await _turns.WaitAsync(cancellation);
            try
            {
                var (records, ttl) = await services(name, cancellation);
                return (records, records is null ? _failureHolds : ttl < _shortest ? _shortest : ttl > _longest ? _longest : ttl);
            }
            finally
            {
                _turns.Release();
            }
        }
    }

    /// <exception cref="SocketException">The host is not known, or nobody could say.</exception>
    public async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellation) =>
        await _addresses.GetAsync(host.ToLowerInvariant(), cancellation) is { Length: > 0 } found
            ? found
            : throw new SocketException((int)SocketError.HostNotFound);

    /// <param name="name">As <c>_matrix-fed._tcp.example.org</c>.</param>
    /// <returns>Null: nobody could say; empty: there are none.</returns>
    public Task<IReadOnlyList<SrvRecord>?> ServicesAsync(string name, CancellationToken cancellation) =>
        _services.GetAsync(name.ToLowerInvariant(), cancellation);

    public void Dispose()
    {
        _addresses.Dispose();
        _services.Dispose();
        _turns.Dispose();
    }
}
