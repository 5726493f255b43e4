using System.Globalization;
using System.Net;
using System.Text.Json;
using EdgeMatrix.Federation.Discovery;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Federation.Requests;

/// <summary>Makes requests to other servers: finds them, signs, keeps to how it stands with them, and bounds what comes back.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#request-authentication</remarks>
public sealed class FederationClient(
    LocalServer server, FederationSettings settings, ServerDiscovery discovery, Destinations destinations, OutboundNetwork network) : IDisposable
{
    private const int AtOnceInLane = 32;
    private const int AtOncePerServer = 8;
    private const int MaxErrorBytes = 16 * 1024;

    // Events nest 64 deep at most, and stand in lists in objects.
    private const int MaxDepth = 80;

    // An answer that stops in the middle for so long goes on no more.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private readonly OutboundClient[] _lanes = [.. Enum.GetValues<FederationLane>().Select(_ => new OutboundClient(network, AtOnceInLane))];
    private readonly TurnsByName _turns = new(AtOncePerServer);

    public Destinations Destinations => destinations;

    /// <summary>Sends a request, and reads the answer, which must be an object.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async Task<FederationAnswer> SendAsync(FederationRequest request, CancellationToken cancellation)
    {
        using var answer = await OpenAsync(request, cancellation);
        if (answer.Failure is { } failure)
        {
            return FederationAnswer.Fail(failure);
        }

        byte[] body;
        try
        {
            using var bytes = new MemoryStream();
            await answer.Body.CopyToAsync(bytes, cancellation);
            body = bytes.ToArray();
        }
        catch (OutboundException exception)
        {
            return FederationAnswer.Fail(FailureOf(request, exception));
        }

        return CanonicalJson.TryParse(body, out var json, out var problem, MaxDepth) && json.ValueKind == JsonValueKind.Object
            ? FederationAnswer.Of(json)
            : FederationAnswer.Fail(new FederationFailure(
                FederationFailureKind.Malformed, 200, null, $"{request.Destination} answered what is no JSON object{(problem is null ? "" : ": " + problem)}"));
    }

    /// <summary>Sends a request; the answer is read by the caller, who disposes of it.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async Task<FederationStream> OpenAsync(FederationRequest request, CancellationToken cancellation)
    {
        if (!settings.Enabled || request.Destination == server.Name)
        {
            return Fail(FederationFailureKind.NotAsked, settings.Enabled
                ? $"{request.Destination} is this server itself"
                : "This server does not talk to others");
        }

        if (!request.DespiteBackoff && destinations.Wait(request.Destination) is not null)
        {
            return Fail(FederationFailureKind.BackingOff, $"{request.Destination} did not answer, and is asked again later");
        }

        var endTurn = await _turns.TakeAsync(request.Destination, cancellation);
        try
        {
            if (await discovery.FindAsync(request.Destination, cancellation) is not { } route)
            {
                destinations.Failed(request.Destination, Now());
                endTurn();
                return Fail(FederationFailureKind.Unreachable, $"{request.Destination} is not known to be anywhere");
            }

            var (response, failure) = await SendAsync(request, route, cancellation);
            if (response is null)
            {
                endTurn();
            }

            return new FederationStream(response, failure, response is null ? () => { } : endTurn);
        }
        catch
        {
            endTurn();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var lane in _lanes)
        {
            lane.Dispose();
        }
    }

    private async Task<(OutboundResponse?, FederationFailure?)> SendAsync(
        FederationRequest request, ServerRoute route, CancellationToken cancellation)
    {
        var askedTs = Now();
        FederationFailure? failure = null;
        foreach (var address in route.Addresses)
        {
            try
            {
                var response = await _lanes[(int)request.Lane].OpenAsync(Outbound(request, route, address), cancellation);
                if (response.Status is >= HttpStatusCode.OK and < HttpStatusCode.MultipleChoices)
                {
                    destinations.HeardFrom(request.Destination);
                    return (response, null);
                }

                using (response)
                {
                    return (null, await ReadFailureAsync(request, response, askedTs, cancellation));
                }
            }
            catch (OutboundException exception)
            {
                failure = FailureOf(request, exception);
                if (exception.Failure != OutboundFailure.Unreachable)
                {
                    break;
                }
            }
        }

        if (failure!.Kind == FederationFailureKind.Unreachable)
        {
            destinations.Failed(request.Destination, askedTs);
        }

        return (null, failure);
    }

    private OutboundRequest Outbound(FederationRequest request, ServerRoute route, ServerAddress address)
    {
        // What is signed is what is sent: nothing may tidy up the path.
        var url = new Uri(
            $"https://{address.Host}:{address.Port}{request.Target}",
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        return new OutboundRequest(request.Method, url)
        {
            Host = route.Host,
            Body = request.Content,
            Authorization = request.IsSigned ? Sign(request) : null,
            MaxBytes = request.MaxBytes,
            Timeout = request.Timeout ?? settings.Timeout,
            Patience = _patience,
            NamedByOperator = route.NamedByOperator,
        };
    }

    private string Sign(FederationRequest request) => RequestAuthorization.Sign(
        server.Name,
        request.Destination,
        request.Method.Method,
        request.Target,
        request.Content is { } content ? JsonElement.Parse(content.Span, new JsonDocumentOptions { MaxDepth = MaxDepth }) : null,
        server.Key);

    private async Task<FederationFailure> ReadFailureAsync(
        FederationRequest request, OutboundResponse response, long askedTs, CancellationToken cancellation)
    {
        var status = (int)response.Status;
        JsonElement? body = null;
        try
        {
            var bytes = new byte[MaxErrorBytes];
            var length = await response.Body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
            body = CanonicalJson.TryParse(bytes.AsMemory(0, length), out var json, out _) && json.ValueKind == JsonValueKind.Object ? json : null;
        }
        catch (OutboundException)
        {
            // The status says enough.
        }

        var code = Text(body, "errcode");
        var message = $"{request.Destination} answered {status}{(code is null ? "" : $" {code}")}{(Text(body, "error") is { } error ? $": {error}" : "")}";
        if (status == 429)
        {
            destinations.Postpone(request.Destination, RetryAfter(response, body));
        }
        else if (status >= 500 && code is not ("M_NOT_YET_UPLOADED" or "M_TOO_LARGE"))
        {
            destinations.Failed(request.Destination, askedTs);
        }
        else
        {
            destinations.HeardFrom(request.Destination);
        }

        var kind = status is 429 or >= 500 ? FederationFailureKind.Unwell : FederationFailureKind.Refused;
        return new FederationFailure(kind, status, code, message) { Json = body };
    }

    private TimeSpan RetryAfter(OutboundResponse response, JsonElement? body)
    {
        if (response.Headers.RetryAfter is { Delta: { } delta } && delta > TimeSpan.Zero)
        {
            return delta;
        }

        return body is { } error && error.TryGetProperty("retry_after_ms"u8, out var wait) && wait.ValueKind == JsonValueKind.Number
            && wait.TryGetInt64(out var ms) && ms is > 0 and < int.MaxValue
                ? TimeSpan.FromMilliseconds(ms)
                : settings.RetryMin;
    }

    private static string? Text(JsonElement? body, string name) =>
        body is { } json && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static FederationFailure FailureOf(FederationRequest request, OutboundException exception) => new(
        exception.Failure == OutboundFailure.TooLarge ? FederationFailureKind.Malformed : FederationFailureKind.Unreachable,
        0,
        null,
        string.Create(CultureInfo.InvariantCulture, $"{request.Destination}: {exception.Message}"));

    private static FederationStream Fail(FederationFailureKind kind, string message) =>
        new(null, new FederationFailure(kind, 0, null, message), () => { });

    private long Now() => network.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
