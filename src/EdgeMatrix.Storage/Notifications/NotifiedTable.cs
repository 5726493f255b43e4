namespace EdgeMatrix.Storage.Notifications;

/// <param name="Event">Nid of the event.</param>
/// <param name="Thread">Nid of the root of its thread, <see cref="UnreadTable.MainTimeline"/> where it is in none.</param>
internal sealed record NotifiedRow(long Event, long Thread, List<Notified> Users);

/// <summary>The <c>notified</c> table: events that notify users of this server, each once, with all whom it notifies.</summary>
internal static class NotifiedTable
{
    private const string InsertSql = "INSERT INTO notified (room, event, thread, users) VALUES (?, ?, ?, ?)";
    private const string FindSql = "SELECT event, thread, users FROM notified WHERE room = ? AND event = ?";
    private const string AfterSql = "SELECT event, thread, users FROM notified WHERE room = ? AND event > ? ORDER BY event";
    private const string BackwardSql = "SELECT event, thread, users FROM notified WHERE room = ? AND event < ? ORDER BY event DESC LIMIT ?";
    private const string NewestSql = "SELECT event FROM notified WHERE room = ? ORDER BY event DESC LIMIT 1";
    private const string SetUsersSql = "UPDATE notified SET users = ? WHERE room = ? AND event = ?";
    private const string DeleteSql = "DELETE FROM notified WHERE room = ? AND event = ?";
    private const string NextRoomSql = "SELECT room FROM notified WHERE room > ? ORDER BY room LIMIT 1";

    /// <param name="users">In the order of their nids.</param>
    public static void Insert(WriteTransaction db, long room, long @event, long thread, IReadOnlyList<Notified> users)
    {
        using var insert = db.Prepare(InsertSql).Bind(room).Bind(@event).Bind(thread).Bind(NotifiedUsers.Pack(users));
        insert.Run();
    }

    public static NotifiedRow? Find(Session db, long room, long @event)
    {
        using var query = db.Prepare(FindSql).Bind(room).Bind(@event);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>What came after an event and notifies a user, the oldest first.</summary>
    public static IEnumerable<(long Event, long Thread, bool Highlight)> After(Session db, long room, long after, long user)
    {
        using var query = db.Prepare(AfterSql).Bind(room).Bind(after);
        while (query.Step())
        {
            if (NotifiedUsers.Highlights(query.Blob(2), user) is { } highlight)
            {
                yield return (query.Int64(0), query.Int64(1), highlight);
            }
        }
    }

    /// <summary>As above, whomever it notifies.</summary>
    public static IEnumerable<NotifiedRow> After(Session db, long room, long after)
    {
        using var query = db.Prepare(AfterSql).Bind(room).Bind(after);
        while (query.Step())
        {
            yield return Read(query);
        }
    }

    /// <summary>What came before an event, the newest first.</summary>
    public static List<NotifiedRow> Backward(Session db, long room, long before, int limit)
    {
        using var query = db.Prepare(BackwardSql).Bind(room).Bind(before).Bind(limit);
        var rows = new List<NotifiedRow>();
        while (query.Step())
        {
            rows.Add(Read(query));
        }

        return rows;
    }

    /// <summary>Nid of the newest event of a room that notifies anybody; null if none does.</summary>
    public static long? Newest(Session db, long room)
    {
        using var query = db.Prepare(NewestSql).Bind(room);
        return query.Step() ? query.Int64(0) : null;
    }

    /// <summary>The first room after a nid of which anybody is notified of anything; null if there is none.</summary>
    public static long? NextRoom(Session db, long after)
    {
        using var query = db.Prepare(NextRoomSql).Bind(after);
        return query.Step() ? query.Int64(0) : null;
    }

    /// <param name="users">In the order of their nids; where there is none, the row goes.</param>
    public static void SetUsers(WriteTransaction db, long room, long @event, IReadOnlyList<Notified> users)
    {
        using var change = users.Count == 0
            ? db.Prepare(DeleteSql).Bind(room).Bind(@event)
            : db.Prepare(SetUsersSql).Bind(NotifiedUsers.Pack(users)).Bind(room).Bind(@event);
        change.Run();
    }

    private static NotifiedRow Read(Statement row) => new(row.Int64(0), row.Int64(1), NotifiedUsers.Unpack(row.Blob(2)));
}
