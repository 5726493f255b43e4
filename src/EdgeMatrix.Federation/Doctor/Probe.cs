using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using EdgeMatrix.Federation.Discovery;
using EdgeMatrix.Outbound;

namespace EdgeMatrix.Federation.Doctor;

/// <summary>What came back from one address: as much of it as there was.</summary>
/// <param name="Failure">Why there was no answer; null if there was one.</param>
internal sealed record ProbeAnswer(string? Failure, HttpStatusCode Status, byte[] Body, DateTimeOffset? Date)
{
    /// <summary>What is wrong with the certificate; null if it holds, or none was seen.</summary>
    public string? CertificateFault { get; init; }

    /// <summary>When the certificate ends; null if none was seen.</summary>
    public DateTimeOffset? CertificateEnds { get; init; }
}

/// <summary>Makes requests to one address of a server at a time, and looks at its certificate instead of taking it or not.</summary>
internal sealed class Probe(ExtraAuthorities? authorities)
{
    private const int MaxBytes = 256 * 1024;

    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(15);

    /// <param name="host">What the certificate must be for, and <c>Host</c> says.</param>
    public async Task<ProbeAnswer> AskAsync(string host, IPAddress address, int port, string path, CancellationToken cancellation)
    {
        var (fault, ends) = ((string?)null, (DateTimeOffset?)null);
        using var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectCallback = (_, cancel) => ConnectAsync(new IPEndPoint(address, port), cancel),
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (sender, certificate, chain, errors) =>
                {
                    ends = certificate is X509Certificate2 seen ? new DateTimeOffset(seen.NotAfter.ToUniversalTime()) : null;
                    fault = authorities?.Trust(sender, certificate, chain, errors) == true ? null : FaultOf(ServerAddress.Split(host).Host, chain, errors);

                    // One that does not hold is looked at as well, and nothing secret is sent.
                    return ends is not null;
                },
            },
        };
        using var client = new HttpClient(handler) { Timeout = _timeout, MaxResponseContentBufferSize = MaxBytes };
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{ServerAddress.Split(host).Host}:{port}{path}");
        request.Headers.Host = host;
        try
        {
            using var response = await client.SendAsync(request, cancellation);
            return new ProbeAnswer(null, response.StatusCode, await response.Content.ReadAsByteArrayAsync(cancellation), response.Headers.Date)
            {
                CertificateFault = fault, CertificateEnds = ends,
            };
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Nothing("did not answer in time");
        }
        catch (HttpRequestException exception)
        {
            return Nothing((exception.InnerException ?? exception).Message);
        }

        ProbeAnswer Nothing(string why) => new(why, default, [], null) { CertificateFault = fault, CertificateEnds = ends };
    }

    private static async ValueTask<Stream> ConnectAsync(IPEndPoint at, CancellationToken cancellation)
    {
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(at, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string? FaultOf(string host, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
        {
            return "there is no certificate";
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return $"the certificate is not for {host}";
        }

        return !errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors)
            ? null
            : "the certificate does not hold: " + string.Join(
                ", ", chain?.ChainStatus.Select(status => status.StatusInformation.Trim().TrimEnd('.')).Distinct() ?? []);
    }
}
