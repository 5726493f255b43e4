using System.Collections.Concurrent;

namespace EdgeMatrix.Testing;

/// <summary>Servers without sockets that reach each other by name, over links that a test cuts, slows and makes lose what they carry.</summary>
public class TestNetwork
{
    private readonly ConcurrentDictionary<string, HttpMessageInvoker> _servers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string, string), TestLink> _links = new();

    /// <summary>The link between two servers, the same in both directions; whole until the test changes it.</summary>
    public TestLink Link(string one, string other) =>
        _links.GetOrAdd(string.CompareOrdinal(one, other) < 0 ? (one, other) : (other, one), _ => new TestLink());

    /// <summary>Sends requests to the server that the host of their URL names.</summary>
    /// <param name="sender">Name of the server that sends.</param>
    /// <param name="time">The sender's: what is slow is slow by this clock.</param>
    public virtual HttpMessageHandler HandlerOf(string sender, TimeProvider time) => new Handler(this, sender, time);

    /// <summary>From now on requests to the name go to a handler, such as that of a test's own peer.</summary>
    public void Join(string name, HttpMessageHandler server) => _servers[name] = new HttpMessageInvoker(server);

    internal void Leave(string name)
    {
        if (_servers.TryRemove(name, out var server))
        {
            server.Dispose();
        }
    }

    /// <summary>Brings a request to a server and its answer back.</summary>
    /// <param name="server">Gives the server that has the name when it is called; null if none has.</param>
    /// <param name="time">The sender's.</param>
    protected virtual async Task<HttpResponseMessage> CarryAsync(
        string sender, HttpRequestMessage request, Func<HttpMessageInvoker?> server, TimeProvider time, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(server);
        var link = Link(sender, request.RequestUri!.Host);
        await link.CarryRequestAsync(time, cancellation);
        var response = await (server() ?? throw NotThere(request)).SendAsync(request, cancellation);
        await link.CarryAnswerAsync(time, cancellation);
        return response;
    }

    protected static HttpRequestException NotThere(HttpRequestMessage request) =>
        new(HttpRequestError.ConnectionError, $"no server {request?.RequestUri?.Host} is there");

    private sealed class Handler(TestNetwork network, string sender, TimeProvider time) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            // A server without sockets takes no path that nothing may tidy up.
            request.RequestUri = new Uri(request.RequestUri!.OriginalString);
            var host = request.RequestUri.Host;
            return network.CarryAsync(sender, request, () => network._servers.GetValueOrDefault(host), time, cancellationToken);
        }
    }
}
