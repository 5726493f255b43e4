using System.Text.Json;
using EdgeMatrix.Protocol.Json;
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

    /// <summary>Of one server so many answers that were not its last are kept, if they are no larger than this.</summary>
    private const int MostEarlier = 8;

    private const int MaxEarlierBytes = 8 * 1024;
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

    /// <summary>The last answer of a server that listed a key which its last of all does not; null if there is none.</summary>
    public ServerKeyAnswerRow? EarlierAnswerOf(string server, string keyId)
    {
        using var snapshot = _database.OpenSnapshot();
        return ServerKeyTable.EarlierAnswer(snapshot, server, keyId);
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

            var now = new ServerKeyAnswerRow(answer.Json.ToArray(), fetchedTs, answer.ValidUntilTs);
            var before = ServerKeyTable.Answer(db, answer.ServerName);

            // A notary may know an earlier answer than we do.
            var (last, earlier) = before is null || before.ValidUntilTs <= now.ValidUntilTs ? (now, before) : (before, now);
            if (last == now)
            {
                ServerKeyTable.SetAnswer(db, answer.ServerName, now);
            }

            // A server that lost its keys, or forgot one, does not tell by what it signed events before.
            if (earlier is { Json.Length: <= MaxEarlierBytes } && KeyIdsIn(earlier.Json).Except(KeyIdsIn(last.Json)).ToList() is { Count: > 0 } forgotten)
            {
                ServerKeyTable.SetEarlierAnswer(db, answer.ServerName, forgotten, earlier, MostEarlier);
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

    /// <summary>The keys that an answer lists, in use and old.</summary>
    internal static IEnumerable<string> KeyIdsIn(byte[] answer)
    {
        var json = JsonElement.Parse(answer);
        return new[] { json.ObjectOrNull("verify_keys"u8), json.ObjectOrNull("old_verify_keys"u8) }
            .OfType<JsonElement>().SelectMany(keys => keys.EnumerateObject().Select(key => key.Name));
    }

    private IReadOnlyDictionary<string, VerifyKey> Remember(string server, IReadOnlyDictionary<string, VerifyKey> keys)
    {
        _known.Set(server, keys, (keys.Count * KeyBytes) + (2 * server.Length));
        return keys;
    }
}
