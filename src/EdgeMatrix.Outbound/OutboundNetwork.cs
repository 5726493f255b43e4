using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using EdgeMatrix.Outbound.Names;

namespace EdgeMatrix.Outbound;

/// <summary>
/// The one way out: every request that the server makes to an address that users, other servers or its operator name goes through here. Whoever
/// makes requests has an <see cref="OutboundClient"/> over it.
/// </summary>
/// <remarks>
/// A host is resolved when it is connected to, and the connection goes to an address that was checked: no second look-up can give another. Redirects
/// make requests anew, and so are checked anew. Where the operator has a proxy, that looks names up, and addresses in names alone are checked here. No
/// proxy of the environment, no cookies, no credentials of the machine.
/// </remarks>
public sealed class OutboundNetwork : IDisposable
{
    private static readonly TimeSpan _connectTimeout = TimeSpan.FromSeconds(10);

    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;
    private readonly ConnectionSettings _settings;

    /// <param name="transport">Takes the place of sockets and of looking names up, for tests; null: the real ones.</param>
    /// <param name="resolve">The addresses of a host; null: as the system resolves names.</param>
    /// <param name="settings">How connections are made; null: as any client of the web makes them.</param>
    public OutboundNetwork(
        AddressPolicy addresses,
        TimeProvider time,
        HttpMessageHandler? transport = null,
        Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null,
        ConnectionSettings? settings = null)
    {
        Addresses = addresses;
        Time = time;
        _resolve = resolve ?? SystemNames.AddressesAsync;
        _settings = settings ?? new ConnectionSettings();
        ToAnyone = new HttpMessageInvoker(transport ?? Sockets(address => addresses.Allows(address)), disposeHandler: transport is null);
        ToNamedByOperator = new HttpMessageInvoker(transport ?? Sockets(_ => true), disposeHandler: transport is null);
    }

    public AddressPolicy Addresses { get; }

    public TimeProvider Time { get; }

    internal HttpMessageInvoker ToAnyone { get; }

    internal HttpMessageInvoker ToNamedByOperator { get; }

    /// <summary>A connection without HTTP, to a host that the operator wrote into the configuration: it may be at any address.</summary>
    /// <exception cref="SocketException">It cannot be reached.</exception>
    public async Task<Stream> ConnectToNamedByOperatorAsync(DnsEndPoint host, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_connectTimeout, Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        return await ConnectAsync(host, _ => true, either.Token);
    }

    public void Dispose()
    {
        ToAnyone.Dispose();
        ToNamedByOperator.Dispose();
    }

    private SocketsHttpHandler Sockets(Func<IPAddress, bool> allows) => new()
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.All,
        UseCookies = false,
        UseProxy = _settings.Proxy is not null,
        Proxy = _settings.Proxy is { } proxy ? new WebProxy(proxy) : null,
        Credentials = null,
        ActivityHeadersPropagator = null,
        ConnectTimeout = _connectTimeout,
        MaxConnectionsPerServer = 8,
        MaxResponseHeadersLength = 32,
        MaxResponseDrainSize = 64 * 1024,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = _settings.TrustsCertificate },
        ConnectCallback = async (context, cancellation) =>
            await ConnectAsync(context.DnsEndPoint, _settings.IsProxy(context.DnsEndPoint) ? _ => true : allows, cancellation),
    };

    private async Task<Stream> ConnectAsync(DnsEndPoint host, Func<IPAddress, bool> allows, CancellationToken cancellation)
    {
        IPAddress[] found = IPAddress.TryParse(host.Host, out var literal) ? [literal] : await _resolve(host.Host, cancellation);
        var addresses = found.Where(allows).ToArray();
        if (addresses.Length == 0)
        {
            if (found.Length == 0)
            {
                throw new SocketException((int)SocketError.HostNotFound);
            }

            throw new OutboundException(OutboundFailure.Refused, "The host has no address that requests may go to");
        }

        return new NetworkStream(await HappyEyeballs.ConnectAsync(addresses, host.Port, Time, cancellation), ownsSocket: true);
    }
}
