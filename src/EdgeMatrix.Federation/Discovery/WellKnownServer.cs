using System.Net;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Federation.Discovery;

/// <summary>Reads <c>/.well-known/matrix/server</c> of others: to whom a name delegates. What it says, or that it says nothing, is kept.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names, step 3</remarks>
public sealed class WellKnownServer : IDisposable
{
    private const int AtOnce = 32;
    private const int MostKept = 2_000;
    private const int MaxBytes = 50 * 1024;
    private const int MaxRedirects = 10;

    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(20);

    // "The recommended sensible default is 24 hours. Servers should additionally impose a maximum cache time for responses: 48 hours is recommended."
    private static readonly TimeSpan _default = TimeSpan.FromHours(24);
    private static readonly TimeSpan _longest = TimeSpan.FromHours(48);

    // Whoever forbids keeping it is asked again in a while, not with every request.
    private static readonly TimeSpan _shortest = TimeSpan.FromMinutes(5);

    // "Errors are recommended to be cached for up to an hour, and servers are encouraged to exponentially back off for repeated failures."
    private static readonly TimeSpan _firstFailure = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan _longestFailure = TimeSpan.FromHours(1);

    private readonly OutboundClient _client;
    private readonly TimeProvider _time;
    private readonly SharedLookup<string, Found> _found;

    public WellKnownServer(OutboundNetwork network)
    {
        _client = new OutboundClient(network, AtOnce);
        _time = network.Time;
        _found = new SharedLookup<string, Found>(FetchAsync, MostKept, _time);
    }

    /// <param name="host">A host name; no address, no port.</param>
    /// <returns>A valid server name; null if the host says none.</returns>
    public async Task<string?> FindAsync(string host, CancellationToken cancellation) => (await _found.GetAsync(host, cancellation)).Delegated;

    public void Dispose()
    {
        _found.Dispose();
        _client.Dispose();
    }

    private async Task<(Found, TimeSpan)> FetchAsync(string host, Found? before, CancellationToken cancellation)
    {
        var now = _time.GetUtcNow();
        try
        {
            var request = new OutboundRequest(HttpMethod.Get, new Uri($"https://{host}/.well-known/matrix/server"))
            {
                Timeout = _timeout, MaxBytes = MaxBytes, MaxRedirects = MaxRedirects,
            };
            using var response = await _client.OpenAsync(request, cancellation);
            if (response.Status == HttpStatusCode.OK && Read(await response.ReadAsync(cancellation)) is { } delegated)
            {
                return (new Found(delegated, now + _longest, 0), HoldsFor(response, now));
            }
        }
        catch (Exception exception) when (exception is OutboundException or UriFormatException)
        {
            // Somebody who cannot be reached for a moment has not moved.
            if (before is { Delegated: not null } && before.GoodUntil > now)
            {
                return (before with { Failures = before.Failures + 1 }, AfterFailures(before.Failures));
            }
        }

        var failures = before?.Failures ?? 0;
        return (new Found(null, now, failures + 1), AfterFailures(failures));
    }

    private static string? Read(byte[] body) =>
        CanonicalJson.TryParse(body, out var json, out _)
        && json.ValueKind == System.Text.Json.JsonValueKind.Object
        && json.TryGetProperty("m.server"u8, out var server)
        && server.ValueKind == System.Text.Json.JsonValueKind.String
        && ServerName.IsValid(server.GetString())
            ? server.GetString()
            : null;

    private static TimeSpan HoldsFor(OutboundResponse response, DateTimeOffset now)
    {
        var told = response.Headers.CacheControl switch
        {
            { NoStore: true } or { NoCache: true } => TimeSpan.Zero,
            { MaxAge: { } age } => age - (response.Headers.Age ?? TimeSpan.Zero),
            _ => response.ContentHeaders.Expires is { } expires ? expires - (response.Headers.Date ?? now)
                : response.ContentHeaders.Contains("Expires") ? TimeSpan.Zero
                : _default,
        };
        return told < _shortest ? _shortest : told > _longest ? _longest : told;
    }

    private static TimeSpan AfterFailures(int failures)
    {
        var wait = _firstFailure * (1L << Math.Min(failures, 16));
        return wait < _longestFailure ? wait : _longestFailure;
    }

    private sealed record Found(string? Delegated, DateTimeOffset GoodUntil, int Failures);
}
