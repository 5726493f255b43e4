using System.Collections.Concurrent;

namespace EdgeMatrix.Testing;

/// <summary>Servers without sockets that reach each other by name, over links that a test cuts, slows and makes lose what they carry.</summary>
public sealed class TestNetwork
{
    private readonly ConcurrentDictionary<string, HttpMessageInvoker> _servers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string, string), TestLink> _links = new();

    /// <summary>The link between two servers, the same in both directions; whole until the test changes it.</summary>
    public TestLink Link(string one, string other) =>
        _links.GetOrAdd(string.CompareOrdinal(one, other) < 0 ? (one, other) : (other, one), _ => new TestLink());

    /// <summary>Sends requests to the server that the host of their URL names.</summary>
    /// <param name="sender">Name of the server that sends.</param>
    /// <param name="time">The sender's: what is slow is slow by this clock.</param>
    public HttpMessageHandler HandlerOf(string sender, TimeProvider time) => new Handler(this, sender, time);

    /// <summary>From now on requests to the name go to a handler, such as that of a test's own peer.</summary>
    public void Join(string name, HttpMessageHandler server) => _servers[name] = new HttpMessageInvoker(server);

    internal void Leave(string name)
    {
        if (_servers.TryRemove(name, out var server))
        {
            server.Dispose();
        }
    }

    private sealed class Handler(TestNetwork network, string sender, TimeProvider time) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var host = request.RequestUri!.Host;

            // A server without sockets takes no path that nothing may tidy up.
            request.RequestUri = new Uri(request.RequestUri.OriginalString);
            var link = network.Link(sender, host);
            await link.CarryRequestAsync(time, cancellationToken);
            if (!network._servers.TryGetValue(host, out var server))
            {
                throw new HttpRequestException(HttpRequestError.ConnectionError, $"no server {host} is there");
            }

            var response = await server.SendAsync(request, cancellationToken);
            await link.CarryAnswerAsync(time, cancellationToken);
            return response;
        }
    }
}
