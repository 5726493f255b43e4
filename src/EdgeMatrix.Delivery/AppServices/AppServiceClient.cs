using System.Net;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Outbound;

namespace EdgeMatrix.Delivery.AppServices;

/// <summary>Makes requests to application services. One that is slow holds up no other.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#homeserver---application-service-api</remarks>
public sealed class AppServiceClient : IDisposable
{
    private const int Concurrency = 8;
    private const int MaxAnswerBytes = 256 * 1024;

    private readonly Dictionary<AppService, OutboundClient> _clients;

    public AppServiceClient(KnownAppServices services, OutboundNetwork network)
    {
        _clients = services.All.ToDictionary(service => service, _ => new OutboundClient(network, Concurrency));
    }

    /// <summary>Sends a request; where the application service does not know the path, once more by what the path was before.</summary>
    /// <param name="path">With what it holds percent-encoded.</param>
    /// <param name="earlierPath">Null if there is none.</param>
    /// <param name="query">Without the question mark, encoded; perhaps empty.</param>
    /// <exception cref="OutboundException">There was no answer.</exception>
    internal async Task<(HttpStatusCode Status, byte[] Body)> SendAsync(
        AppService service, HttpMethod method, string path, string? earlierPath, string query, ReadOnlyMemory<byte>? body, TimeSpan timeout,
        CancellationToken cancellation)
    {
        var (status, answer) = await SendAsync(service, method, path, query, body, timeout, cancellation);

        // "if the application service receives an HTTP status code that does not indicate success (i.e.: 404, 500, 501, etc) then the homeserver
        // should fall back to the older endpoints": of those codes that a path can be the reason of.
        if (earlierPath is null || status is not (HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed
            or HttpStatusCode.InternalServerError or HttpStatusCode.NotImplemented))
        {
            return (status, answer);
        }

        // "Servers should only send this query parameter if supporting legacy versions", and then beside the header.
        var token = $"access_token={Uri.EscapeDataString(service.Registration.HsToken)}";
        var (earlierStatus, earlierAnswer) = await SendAsync(
            service, method, earlierPath, query.Length == 0 ? token : $"{query}&{token}", body, timeout, cancellation);
        return earlierStatus is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed ? (status, answer) : (earlierStatus, earlierAnswer);
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values)
        {
            client.Dispose();
        }
    }

    private Task<(HttpStatusCode Status, byte[] Body)> SendAsync(
        AppService service, HttpMethod method, string path, string query, ReadOnlyMemory<byte>? body, TimeSpan timeout,
        CancellationToken cancellation)
    {
        var url = service.Registration.Url!.AbsoluteUri.TrimEnd('/') + path + (query.Length == 0 ? "" : "?" + query);
        var request = new OutboundRequest(method, new Uri(url))
        {
            Body = body,
            Authorization = $"Bearer {service.Registration.HsToken}",
            NamedByOperator = true,
            MaxBytes = MaxAnswerBytes,
            Timeout = timeout,
        };
        return _clients[service].SendAsync(request, cancellation);
    }
}
