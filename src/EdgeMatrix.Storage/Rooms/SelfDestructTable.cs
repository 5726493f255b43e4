namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>self_destructing_events</c> table: messages that are to be gone by a time.</summary>
public static class SelfDestructTable
{
    private const string InsertSql = "INSERT OR IGNORE INTO self_destructing_events (due_ts, event) VALUES (?, ?)";
    private const string FirstSql = "SELECT min(due_ts) FROM self_destructing_events";
    private const string DueSql = "SELECT due_ts, event FROM self_destructing_events WHERE due_ts <= ? ORDER BY due_ts, event LIMIT ?";
    private const string DeleteSql = "DELETE FROM self_destructing_events WHERE due_ts = ? AND event = ?";

    /// <param name="dueMs">ms since the Unix epoch.</param>
    /// <param name="nid">Of the message.</param>
    public static void Add(WriteTransaction db, long dueMs, long nid)
    {
        using var insert = db.Prepare(InsertSql).Bind(dueMs).Bind(nid);
        insert.Run();
    }

    /// <summary>When the first is due, in ms since the Unix epoch; null if there is none.</summary>
    public static long? First(Session db)
    {
        using var query = db.Prepare(FirstSql);
        return query.Step() && !query.IsNull(0) ? query.Int64(0) : null;
    }

    /// <summary>Nids of messages that are due by a time, which are not listed any more.</summary>
    /// <param name="untilMs">ms since the Unix epoch.</param>
    /// <param name="limit">The greatest number.</param>
    public static List<long> Take(WriteTransaction db, long untilMs, int limit)
    {
        var due = new List<(long DueMs, long Nid)>();
        using (var query = db.Prepare(DueSql).Bind(untilMs).Bind(limit))
        {
            while (query.Step())
            {
                due.Add((query.Int64(0), query.Int64(1)));
            }
        }

        foreach (var (dueMs, nid) in due)
        {
            using var delete = db.Prepare(DeleteSql).Bind(dueMs).Bind(nid);
            delete.Run();
        }

        return [.. due.Select(one => one.Nid)];
    }
}
