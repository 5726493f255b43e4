using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Federation;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Federation.Keys;

/// <summary>The keys of other servers that were ever seen and checked: in the database, the last asked for in memory.</summary>
/// <remarks>Who calls must hold no snapshot: what is not in memory is read.</remarks>
public sealed class KnownServerKeys
{
    /// <summary>So many keys of one server are kept.</summary>
    internal const int MostOfServer = 64;

    /// <summary>Keys of so many servers are kept.</summary>
    private const int MostServers = 50_000;

    private const int TrimmedAtOnce = 500;
    private const int KeyBytes = 400;

    private readonly Database _database;
    private readonly BoundedCache<string, IReadOnlyDictionary<string, VerifyKey>> _known = new("server_keys", wanted: 1 << 20, least: 64 << 10);

    public KnownServerKeys(Database database)
    {
        _database = database;
        database.Memory.Add(_known);
    }

    /// <summary>By key id; empty of a server never met.</summary>
    public IReadOnlyDictionary<string, VerifyKey> Of(string server)
    {
        if (_known.TryGet(server, out var keys))
        {
            return keys;
        }

        using var snapshot = _database.OpenSnapshot();
        keys = ServerKeyTable.Keys(snapshot, server)
            .Select(row => row.IsOld
                ? VerifyKey.TryCreateOld(row.KeyId, row.Key, row.UntilTs, out var old) ? old : null
                : VerifyKey.TryCreate(row.KeyId, row.Key, row.UntilTs, out var current) ? current : null)
            .OfType<VerifyKey>()
            .ToDictionary(key => key.KeyId, StringComparer.Ordinal);
        return Remember(server, keys);
    }

    /// <summary>What the server last answered; null if it never did.</summary>
    public ServerKeyAnswerRow? AnswerOf(string server)
    {
        using var snapshot = _database.OpenSnapshot();
        return ServerKeyTable.Answer(snapshot, server);
    }

    /// <summary>Stores what a server answered, checked. Keys that it lists no more stay: events are signed by them.</summary>
    /// <param name="fetchedTs">ms since the Unix epoch.</param>
    public async Task StoreAsync(ServerKeys answer, long fetchedTs)
    {
        await _database.WriteAsync(db =>
        {
            ServerKeyTable.Set(
                db,
                answer.ServerName,
                answer.Keys.Values.Select(key => new ServerKeyRow(key.KeyId, key.Bytes, key.UntilTs, key.IsOld)),
                MostOfServer);

            // A notary may know an earlier answer than we do.
            if (ServerKeyTable.Answer(db, answer.ServerName) is not { } before || before.ValidUntilTs <= answer.ValidUntilTs)
            {
                ServerKeyTable.SetAnswer(
                    db, answer.ServerName, new ServerKeyAnswerRow(answer.Json.ToArray(), fetchedTs, answer.ValidUntilTs));
            }
        });
        _known.Remove(answer.ServerName);
    }

    /// <summary>Upkeep: forgets servers beyond those that were asked last.</summary>
    /// <returns>Whether there are more.</returns>
    public async Task<bool> SliceAsync()
    {
        using (var snapshot = _database.OpenSnapshot())
        {
            if (!ServerKeyTable.HasMoreThan(snapshot, MostServers))
            {
                return false;
            }
        }

        return await _database.WriteAsync(db => ServerKeyTable.Trim(db, MostServers, TrimmedAtOnce) == TrimmedAtOnce);
    }

    private IReadOnlyDictionary<string, VerifyKey> Remember(string server, IReadOnlyDictionary<string, VerifyKey> keys)
    {
        _known.Set(server, keys, (keys.Count * KeyBytes) + (2 * server.Length));
        return keys;
    }
}
