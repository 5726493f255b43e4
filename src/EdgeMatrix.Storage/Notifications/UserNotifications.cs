using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage.Notifications;

/// <param name="Event">Nid of the event.</param>
public readonly record struct NotificationRow(long Room, long Event, bool Read, bool Highlight);

/// <summary>The users and events that notifications are made of, as they are asked for user by user.</summary>
public static class UserNotifications
{
    /// <summary>So many events of a user's rooms are looked at for a page, whether or not they notify the user.</summary>
    public const int MaxLookedAt = 2_000;

    private const string RoomsSql = """
        SELECT m.room, (SELECT n.event FROM notified n WHERE n.room = m.room AND n.event < ?2 ORDER BY n.event DESC LIMIT 1) AS newest
        FROM memberships m WHERE m.user = ?1 AND newest IS NOT NULL
        """;

    // The event itself, and the one before it.
    private const string EventsSql = "SELECT event, thread, users FROM notified WHERE room = ? AND event <= ? ORDER BY event DESC LIMIT 2";

    private const string IsReadSql = """
        SELECT 1 FROM read_to WHERE room = ?1 AND user = ?2 AND event >= ?4
        AND thread IN (-1, ?3, iif(EXISTS (SELECT 1 FROM events WHERE nid = ?3), ?3, 0))
        """;

    /// <summary>The user's notifications of before an event, the newest first: from room to room, as each has its own in order.</summary>
    /// <returns>A page, and the event before which the next begins: null after the last. A page may have less than asked for, or nothing.</returns>
    public static (List<NotificationRow> Rows, long? Next) Backward(Session db, long user, long before, bool highlightsOnly, int limit)
    {
        var newest = new PriorityQueue<long, long>();
        using (var rooms = db.Prepare(RoomsSql).Bind(user).Bind(before))
        {
            while (rooms.Step())
            {
                newest.Enqueue(rooms.Int64(0), -rooms.Int64(1));
            }
        }

        var rows = new List<NotificationRow>();
        for (var looked = 0; newest.TryDequeue(out var room, out var at); looked++)
        {
            if (rows.Count == limit || looked == MaxLookedAt)
            {
                return (rows, 1 - at);
            }

            using var events = db.Prepare(EventsSql).Bind(room).Bind(-at);
            if (!events.Step())
            {
                continue;
            }

            if (NotifiedUsers.Highlights(events.Blob(2), user) is { } highlight && (highlight || !highlightsOnly))
            {
                rows.Add(new NotificationRow(room, -at, IsRead(db, room, user, events.Int64(1), -at), highlight));
            }

            if (events.Step())
            {
                newest.Enqueue(room, -events.Int64(0));
            }
        }

        return (rows, null);
    }

    private static bool IsRead(Session db, long room, long user, long thread, long @event)
    {
        using var query = db.Prepare(IsReadSql).Bind(room).Bind(user).Bind(thread).Bind(@event);
        return query.Step();
    }
}
