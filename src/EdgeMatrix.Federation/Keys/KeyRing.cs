using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Federation.Keys;

/// <summary>The keys of all servers: this one's own, those that are known, and those that are fetched because a signature names them.</summary>
/// <remarks>
/// Its own keys may be news to a server, too: one that was set up anew under its old name has signed events by keys that only others know still.
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys
/// </remarks>
public sealed class KeyRing(LocalServer server, OwnKeys own, KnownServerKeys known, KeyFetcher fetcher, TimeProvider time)
{
    private const int AtOnce = 16;

    // So few servers are asked themselves before a notary is; of more, a notary tells in one answer.
    private const int FewServers = 3;

    /// <summary>The key that a server signs requests with now, under that id; null if it has none.</summary>
    public async Task<VerifyKey?> FindForRequestAsync(string origin, string keyId, CancellationToken cancellation)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (Known(origin, keyId) is { } key && key.MaySignRequests(now))
        {
            return key;
        }

        await FetchAsync([new NeededKey(origin, keyId, now)], cancellation);
        return Known(origin, keyId) is { } fetched && fetched.MaySignRequests(now) ? fetched : null;
    }

    /// <summary>Fetches what is not known of the keys that a batch of events needs, many servers side by side.</summary>
    /// <param name="needed">As <see cref="NeededKey.Of"/> tells of each event.</param>
    /// <returns>What <see cref="EventSignatures"/> and <see cref="EventBatch"/> ask; it knows the keys of these servers.</returns>
    public async Task<KeyLookup> PrepareAsync(IEnumerable<NeededKey> needed, CancellationToken cancellation)
    {
        var all = needed.ToHashSet();
        var missing = Missing(all);
        if (missing.Count > 0)
        {
            await FetchAsync(missing, cancellation);
        }

        var keys = all.Select(need => need.Server).Distinct().ToDictionary(name => name, KeysOf, StringComparer.Ordinal);
        return (name, keyId) => keys.TryGetValue(name, out var ofServer) ? ofServer.GetValueOrDefault(keyId) : null;
    }

    /// <summary>All keys that are known of a server, by key id; nothing is fetched.</summary>
    public IReadOnlyDictionary<string, VerifyKey> KeysOf(string name)
    {
        var ofServer = known.Of(name);
        return name != server.Name ? ofServer
            : ofServer.Count == 0 ? own.Keys
            : ofServer.Where(key => !own.Keys.ContainsKey(key.Key)).Concat(own.Keys).ToDictionary(StringComparer.Ordinal);
    }

    private async Task FetchAsync(IReadOnlyCollection<NeededKey> needed, CancellationToken cancellation)
    {
        var servers = needed.Select(need => need.Server).Where(name => name != server.Name).Distinct().ToList();
        if (servers.Count > FewServers)
        {
            await fetcher.FromNotariesAsync(needed, cancellation);
            servers = [.. Missing(needed).Select(need => need.Server).Where(name => name != server.Name).Distinct()];
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation };
        await Parallel.ForEachAsync(servers, options, async (name, token) => await fetcher.FromServerAsync(name, token));
        var missing = Missing(needed);
        if (missing.Count > 0)
        {
            await fetcher.FromNotariesAsync(missing, cancellation);
        }
    }

    private List<NeededKey> Missing(IEnumerable<NeededKey> needed) =>
        [.. needed.Where(need => !need.IsMetBy(Known(need.Server, need.KeyId)))];

    private VerifyKey? Known(string name, string keyId) => KeysOf(name).GetValueOrDefault(keyId);
}
