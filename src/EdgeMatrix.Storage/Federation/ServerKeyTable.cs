namespace EdgeMatrix.Storage.Federation;

/// <summary>A signing key of another server.</summary>
/// <param name="Key">32 bytes.</param>
/// <param name="UntilTs">Of a key in use, until when it is trusted; of an old one, when it stopped signing: ms since the Unix epoch.</param>
public sealed record ServerKeyRow(string KeyId, byte[] Key, long UntilTs, bool IsOld);

/// <summary>What a server last answered to whoever asked for its keys.</summary>
/// <param name="Json">As the server signed it.</param>
/// <param name="FetchedTs">ms since the Unix epoch.</param>
/// <param name="ValidUntilTs">As it says itself.</param>
public sealed record ServerKeyAnswerRow(byte[] Json, long FetchedTs, long ValidUntilTs);

/// <summary>
/// The <c>server_keys</c>, <c>server_key_answers</c> and <c>server_key_earlier_answers</c> tables: the keys of other servers, all that were ever seen, their
/// last answers, and those that are all that is left of a key.
/// </summary>
public static class ServerKeyTable
{
    private const string KeysSql = "SELECT key_id, key, until_ts, old FROM server_keys WHERE server = ?";
    private const string SetKeySql = """
        INSERT INTO server_keys (server, key_id, key, until_ts, old) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (server, key_id) DO UPDATE SET key = excluded.key, until_ts = excluded.until_ts, old = excluded.old
        """;

    // Whoever makes keys without end has its earliest forgotten.
    private const string TrimSql = """
        DELETE FROM server_keys WHERE server = ?1 AND key_id NOT IN (
            SELECT key_id FROM server_keys WHERE server = ?1 ORDER BY old, until_ts DESC LIMIT ?2)
        """;

    private const string AnswerSql = "SELECT json, fetched_ts, valid_until_ts FROM server_key_answers WHERE server = ?";
    private const string SetAnswerSql = """
        INSERT INTO server_key_answers (server, json, fetched_ts, valid_until_ts) VALUES (?, ?, ?, ?)
        ON CONFLICT (server) DO UPDATE SET json = excluded.json, fetched_ts = excluded.fetched_ts, valid_until_ts = excluded.valid_until_ts
        """;

    private const string EarlierSql = "SELECT json, fetched_ts, valid_until_ts FROM server_key_earlier_answers WHERE server = ? AND key_id = ?";
    private const string SetEarlierSql = """
        INSERT INTO server_key_earlier_answers (server, key_id, json, fetched_ts, valid_until_ts) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (server, key_id) DO UPDATE SET json = excluded.json, fetched_ts = excluded.fetched_ts, valid_until_ts = excluded.valid_until_ts
        WHERE excluded.valid_until_ts > valid_until_ts
        """;

    private const string TrimEarlierSql = """
        DELETE FROM server_key_earlier_answers WHERE server = ?1 AND key_id NOT IN (
            SELECT key_id FROM server_key_earlier_answers WHERE server = ?1 ORDER BY valid_until_ts DESC LIMIT ?2)
        """;

    private const string DeleteEarlierSql = "DELETE FROM server_key_earlier_answers WHERE server = ?";
    private const string OldestSql = """
        SELECT server FROM server_key_answers ORDER BY fetched_ts LIMIT min(?2, max(0, (SELECT count(*) FROM server_key_answers) - ?1))
        """;

    private const string MoreSql = "SELECT 1 FROM server_key_answers LIMIT 1 OFFSET ?";
    private const string DeleteSql = "DELETE FROM server_keys WHERE server = ?";
    private const string DeleteAnswerSql = "DELETE FROM server_key_answers WHERE server = ?";

    public static List<ServerKeyRow> Keys(Session db, string server)
    {
        using var query = db.Prepare(KeysSql).Bind(server);
        var keys = new List<ServerKeyRow>();
        while (query.Step())
        {
            keys.Add(new ServerKeyRow(query.Text(0), query.Blob(1).ToArray(), query.Int64(2), query.Int64(3) != 0));
        }

        return keys;
    }

    /// <summary>Adds or replaces keys; of a server no more are kept than so many.</summary>
    public static void Set(WriteTransaction db, string server, IEnumerable<ServerKeyRow> keys, int most)
    {
        foreach (var key in keys)
        {
            using var upsert = db.Prepare(SetKeySql)
                .Bind(server).Bind(key.KeyId).Bind(key.Key.AsSpan()).Bind(key.UntilTs).Bind(key.IsOld ? 1 : 0);
            upsert.Run();
        }

        using var trim = db.Prepare(TrimSql).Bind(server).Bind(most);
        trim.Run();
    }

    public static ServerKeyAnswerRow? Answer(Session db, string server)
    {
        using var query = db.Prepare(AnswerSql).Bind(server);
        return query.Step() ? new ServerKeyAnswerRow(query.Blob(0).ToArray(), query.Int64(1), query.Int64(2)) : null;
    }

    public static void SetAnswer(WriteTransaction db, string server, ServerKeyAnswerRow answer)
    {
        using var upsert = db.Prepare(SetAnswerSql)
            .Bind(server).Bind(answer.Json.AsSpan()).Bind(answer.FetchedTs).Bind(answer.ValidUntilTs);
        upsert.Run();
    }

    /// <summary>The last answer that listed a key which later ones do not; null if there is none.</summary>
    public static ServerKeyAnswerRow? EarlierAnswer(Session db, string server, string keyId)
    {
        using var query = db.Prepare(EarlierSql).Bind(server).Bind(keyId);
        return query.Step() ? new ServerKeyAnswerRow(query.Blob(0).ToArray(), query.Int64(1), query.Int64(2)) : null;
    }

    /// <summary>Keeps an answer for the keys that only it lists; of a server no more are kept than so many.</summary>
    public static void SetEarlierAnswer(WriteTransaction db, string server, IEnumerable<string> keyIds, ServerKeyAnswerRow answer, int most)
    {
        foreach (var keyId in keyIds)
        {
            using var upsert = db.Prepare(SetEarlierSql)
                .Bind(server).Bind(keyId).Bind(answer.Json.AsSpan()).Bind(answer.FetchedTs).Bind(answer.ValidUntilTs);
            upsert.Run();
        }

        using var trim = db.Prepare(TrimEarlierSql).Bind(server).Bind(most);
        trim.Run();
    }

    /// <summary>Whether there are answers of more servers than so many.</summary>
    public static bool HasMoreThan(Session db, int most)
    {
        using var query = db.Prepare(MoreSql).Bind(most);
        return query.Step();
    }

    /// <summary>Deletes servers that were asked the longest ago, until so many are left.</summary>
    /// <param name="count">How many at most.</param>
    /// <returns>How many it was.</returns>
    public static int Trim(WriteTransaction db, int most, int count)
    {
        var oldest = new List<string>();
        using (var query = db.Prepare(OldestSql).Bind(most).Bind(count))
        {
            while (query.Step())
            {
                oldest.Add(query.Text(0));
            }
        }

        foreach (var server in oldest)
        {
            using var keys = db.Prepare(DeleteSql).Bind(server);
            keys.Run();
            using var answer = db.Prepare(DeleteAnswerSql).Bind(server);
            answer.Run();
            using var earlier = db.Prepare(DeleteEarlierSql).Bind(server);
            earlier.Run();
        }

        return oldest.Count;
    }
}
