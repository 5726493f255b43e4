namespace EdgeMatrix.Storage.Federation;

/// <summary>How it stands with another server.</summary>
/// <param name="Failures">How often in a row it was not reached.</param>
/// <param name="FailingSinceTs">ms since the Unix epoch; null while it answers.</param>
/// <param name="NextTs">When it is tried again, ms.</param>
/// <param name="LastHeardTs">When it last answered or asked, ms, to the hour; null: never.</param>
public sealed record DestinationRow(string Server, long Failures, long? FailingSinceTs, long NextTs, long? LastHeardTs);

/// <summary>The <c>destinations</c> table: other servers, and since when they do not answer.</summary>
public static class DestinationTable
{
    private const string FindSql = "SELECT failures, failing_since_ts, next_ts, last_heard_ts FROM destinations WHERE server = ?";
    private const string AllSql =
        "SELECT server, failures, failing_since_ts, next_ts, last_heard_ts FROM destinations WHERE server > ? ORDER BY server LIMIT ?";

    private const string SetSql = """
        INSERT INTO destinations (server, failures, failing_since_ts, next_ts, last_heard_ts) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (server) DO UPDATE SET
            failures = excluded.failures, failing_since_ts = excluded.failing_since_ts, next_ts = excluded.next_ts, last_heard_ts = excluded.last_heard_ts
        """;

    // What was never heard of, or the longest ago, is of the least use.
    private const string TrimSql = """
        DELETE FROM destinations WHERE server IN (SELECT server FROM destinations ORDER BY last_heard_ts, next_ts
        LIMIT max(0, (SELECT count(*) FROM destinations) - ?))
        """;

    private const string LastHeardSql = "SELECT max(last_heard_ts) FROM destinations";
    private const string MoreSql = "SELECT 1 FROM destinations LIMIT 1 OFFSET ?";

    public static DestinationRow? Find(Session db, string server)
    {
        using var query = db.Prepare(FindSql).Bind(server);
        return query.Step() ? Read(query, server, 0) : null;
    }

    /// <summary>Some rows by name, those after one.</summary>
    public static List<DestinationRow> After(Session db, string server, int count)
    {
        using var query = db.Prepare(AllSql).Bind(server).Bind(count);
        var rows = new List<DestinationRow>();
        while (query.Step())
        {
            rows.Add(Read(query, query.Text(0), 1));
        }

        return rows;
    }

    /// <summary>When any server was last heard of, ms, to the hour; null: none ever was.</summary>
    public static long? LastHeardTs(Session db)
    {
        using var query = db.Prepare(LastHeardSql);
        return query.Step() ? query.Int64OrNull(0) : null;
    }

    public static void Set(WriteTransaction db, DestinationRow row)
    {
        using var upsert = db.Prepare(SetSql).Bind(row.Server).Bind(row.Failures).Bind(row.FailingSinceTs).Bind(row.NextTs).Bind(row.LastHeardTs);
        upsert.Run();
    }

    /// <summary>Whether there are more rows than so many.</summary>
    public static bool HasMoreThan(Session db, int most)
    {
        using var query = db.Prepare(MoreSql).Bind(most);
        return query.Step();
    }

    /// <summary>Leaves so many rows.</summary>
    public static void Trim(WriteTransaction db, int most)
    {
        using var delete = db.Prepare(TrimSql).Bind(most);
        delete.Run();
    }

    private static DestinationRow Read(Statement query, string server, int column) => new(
        server,
        query.Int64(column),
        query.IsNull(column + 1) ? null : query.Int64(column + 1),
        query.Int64(column + 2),
        query.IsNull(column + 3) ? null : query.Int64(column + 3));
}
