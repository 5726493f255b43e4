namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>threads</c> table: the threads of each room, by their newest replies.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#threading</remarks>
public static class ThreadTable
{
    private const string AddSql = """
        INSERT INTO threads (room, root, replies, latest) VALUES (?, ?, 1, ?)
        ON CONFLICT (room, root) DO UPDATE SET replies = replies + 1, latest = max(latest, excluded.latest)
        """;

    private const string RemoveSql = """
        UPDATE threads SET replies = replies - 1, latest = coalesce(
            (SELECT max(timeline) FROM relations WHERE room = ?1 AND parent = ?2 AND rel_type = ?3), latest)
        WHERE room = ?1 AND root = ?2
        """;

    private const string DeleteEmptySql = "DELETE FROM threads WHERE room = ? AND root = ? AND replies <= 0";

    private const string PageSql = """
        SELECT t.latest, r.event FROM threads t
        CROSS JOIN relations r ON r.room = ?1 AND r.parent = t.root AND r.rel_type = (SELECT nid FROM event_types WHERE type = 'm.thread') AND r.timeline = t.latest
        WHERE t.room = ?1 AND t.latest <= ?2 ORDER BY t.latest DESC LIMIT ?3
        """;

    /// <summary>The newest replies of a room's threads, newest first, from the given order (inclusive) on: where each thread stands.</summary>
    public static List<ChildRow> Page(Session db, long room, long from, int limit)
    {
        using var query = db.Prepare(PageSql).Bind(room).Bind(from).Bind(limit);
        var replies = new List<ChildRow>();
        while (query.Step())
        {
            replies.Add(new ChildRow(query.Int64(0), query.Int64(1)));
        }

        return replies;
    }

    internal static void Add(WriteTransaction db, long room, long root, long timeline)
    {
        using var upsert = db.Prepare(AddSql).Bind(room).Bind(root).Bind(timeline);
        upsert.Run();
    }

    /// <param name="relType">Nid of <c>m.thread</c>.</param>
    internal static void Remove(WriteTransaction db, long room, long root, long relType)
    {
        using (var update = db.Prepare(RemoveSql).Bind(room).Bind(root).Bind(relType))
        {
            update.Run();
        }

        using var delete = db.Prepare(DeleteEmptySql).Bind(room).Bind(root);
        delete.Run();
    }
}
