using System.Text.Json;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;

namespace EdgeMatrix.Federation.Keys;

/// <summary>Asks servers for their keys, and notaries for those of others. Each server is asked once at a time, and not again at once.</summary>
public sealed class KeyFetcher : IDisposable
{
    private const int MostKept = 2_000;
    private const int MaxAnswerBytes = 64 * 1024;
    private const int MaxNotaryBytes = 4 << 20;
    private const int ServersInOneQuery = 100;
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(15);

    // Whoever signs with keys that are nowhere makes us ask once a minute, and whoever does not answer, twice.
    private static readonly TimeSpan _answerHolds = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _failureHolds = TimeSpan.FromSeconds(30);

    private readonly FederationClient _client;
    private readonly KnownServerKeys _known;
    private readonly FederationSettings _settings;
    private readonly TimeProvider _time;
    private readonly SharedLookup<string, bool> _answers;

    public KeyFetcher(FederationClient client, KnownServerKeys known, FederationSettings settings, TimeProvider time)
    {
        (_client, _known, _settings, _time) = (client, known, settings, time);
        _answers = new SharedLookup<string, bool>(FetchAsync, MostKept, time);
    }

    /// <summary>Asks a server for its keys.</summary>
    /// <param name="anew">Even if it answered, or did not, a moment ago.</param>
    /// <returns>Whether it answered, now or a moment ago; then its keys are known.</returns>
    public Task<bool> FromServerAsync(string server, CancellationToken cancellation, bool anew = false)
    {
        if (anew)
        {
            _answers.Forget(server);
        }

        return _answers.GetAsync(server, cancellation);
    }

    /// <summary>Asks the trusted notaries, one after the other, until all keys are known.</summary>
    public async Task FromNotariesAsync(IReadOnlyCollection<NeededKey> needed, CancellationToken cancellation)
    {
        foreach (var notary in _settings.TrustedKeyServers)
        {
            // A notary's own keys are never taken from itself as a notary.
            var left = needed.Where(need => need.Server != notary && !need.IsMetBy(_known.Of(need.Server).GetValueOrDefault(need.KeyId))).ToList();
            if (left.Count == 0)
            {
                continue;
            }

            if (!_known.Of(notary).Values.Any(key => key.MaySignRequests(Now())) && !await FromServerAsync(notary, cancellation))
            {
                continue;
            }

            foreach (var some in left.GroupBy(need => need.Server).Chunk(ServersInOneQuery))
            {
                await QueryAsync(notary, some, cancellation);
            }
        }
    }

    public void Dispose() => _answers.Dispose();

    private async Task<(bool, TimeSpan)> FetchAsync(string server, bool before, CancellationToken cancellation)
    {
        var request = FederationRequest.Get(server, "/_matrix/key/v2/server") with
        {
            Lane = FederationLane.Keys, IsSigned = false, DespiteBackoff = true, MaxBytes = MaxAnswerBytes, Timeout = _timeout,
        };
        var answer = await _client.SendAsync(request, cancellation);
        return answer.Json is { } json && await TakeAsync(json, server) ? (true, _answerHolds) : (false, _failureHolds);
    }

    private async Task QueryAsync(string notary, IEnumerable<IGrouping<string, NeededKey>> servers, CancellationToken cancellation)
    {
        var asked = servers.Select(server => server.Key).ToHashSet(StringComparer.Ordinal);
        var request = FederationRequest.Post(notary, "/_matrix/key/v2/query", Query(servers)) with
        {
            Lane = FederationLane.Keys, IsSigned = false, MaxBytes = MaxNotaryBytes,
        };
        var answer = await _client.SendAsync(request, cancellation);
        if (answer.Json is not { } json || !json.TryGetProperty("server_keys"u8, out var list) || list.ValueKind != JsonValueKind.Array)
        {
            return;
        }

        var notaryKeys = _known.Of(notary);
        foreach (var entry in list.EnumerateArray())
        {
            if (entry.ValueKind == JsonValueKind.Object
                && entry.TryGetProperty("server_name"u8, out var name)
                && name.ValueKind == JsonValueKind.String
                && asked.Contains(name.GetString()!)
                && SignedJson.KeyIdsOf(entry, notary).Any(keyId => notaryKeys.TryGetValue(keyId, out var key)
                    && key.MaySignRequests(Now()) && SignedJson.Verify(entry, notary, keyId, key.Bytes)))
            {
                await TakeAsync(entry, name.GetString()!);
            }
        }
    }

    private async Task<bool> TakeAsync(JsonElement answer, string server)
    {
        var now = Now();
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        if (!CanonicalJson.TryWrite(answer, output, out _)
            || output.WrittenCount > MaxAnswerBytes
            || ServerKeys.Parse(output.WrittenMemory, server, now).Keys is not { } keys
            || keys.Keys.Count > KnownServerKeys.MostOfServer)
        {
            return false;
        }

        await _known.StoreAsync(keys, now);
        return true;
    }

    private static byte[] Query(IEnumerable<IGrouping<string, NeededKey>> servers)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("server_keys"u8);
            foreach (var server in servers)
            {
                json.WriteStartObject(server.Key);
                foreach (var key in server.GroupBy(need => need.KeyId))
                {
                    json.WriteStartObject(key.Key);
                    json.WriteNumber("minimum_valid_until_ts"u8, key.Max(need => need.ValidUntilTs));
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
