using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace EdgeMatrix.Outbound;

/// <summary>
/// The one way out: every request that the server makes to an address that users, other servers or its operator name goes through here. Whoever
/// makes requests has an <see cref="OutboundClient"/> over it.
/// </summary>
/// <remarks>
/// A host is resolved when it is connected to, and the connection goes to an address that was checked: no second look-up can give another. Redirects
/// make requests anew, and so are checked anew. No proxy of the environment, no cookies, no credentials of the machine.
/// </remarks>
public sealed class OutboundNetwork : IDisposable
{
    private static readonly TimeSpan _connectTimeout = TimeSpan.FromSeconds(10);

    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;
    private readonly ExtraAuthorities? _authorities;

    /// <param name="transport">Takes the place of sockets and of looking names up, for tests; null: the real ones.</param>
    /// <param name="resolve">The addresses of a host; null: as the system resolves names.</param>
    /// <param name="authorities">Who may vouch for servers besides those whom the system trusts.</param>
    public OutboundNetwork(
        AddressPolicy addresses,
        TimeProvider time,
        HttpMessageHandler? transport = null,
        Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null,
        ExtraAuthorities? authorities = null)
    {
        Addresses = addresses;
        Time = time;
        _resolve = resolve ?? Dns.GetHostAddressesAsync;
        _authorities = authorities;
        ToAnyone = new HttpMessageInvoker(transport ?? Sockets(address => addresses.Allows(address)), disposeHandler: transport is null);
        ToNamedByOperator = new HttpMessageInvoker(transport ?? Sockets(_ => true), disposeHandler: transport is null);
    }

    public AddressPolicy Addresses { get; }

    internal TimeProvider Time { get; }

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
        UseProxy = false,
        Credentials = null,
        ActivityHeadersPropagator = null,
        ConnectTimeout = _connectTimeout,
        MaxConnectionsPerServer = 8,
        MaxResponseHeadersLength = 32,
        MaxResponseDrainSize = 64 * 1024,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = _authorities is null ? null : _authorities.Trust },
        ConnectCallback = async (context, cancellation) => await ConnectAsync(context.DnsEndPoint, allows, cancellation),
    };

    private async Task<Stream> ConnectAsync(DnsEndPoint host, Func<IPAddress, bool> allows, CancellationToken cancellation)
    {
        IPAddress[] found = IPAddress.TryParse(host.Host, out var literal) ? [literal] : await _resolve(host.Host, cancellation);
        var addresses = found.Where(allows).ToArray();
        if (found.Length > 0 && addresses.Length == 0)
        {
            throw new OutboundException(OutboundFailure.Refused, "The host has no address that requests may go to");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, host.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
