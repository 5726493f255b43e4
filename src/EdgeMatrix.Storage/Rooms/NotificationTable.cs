namespace EdgeMatrix.Storage.Rooms;

/// <param name="Thread">Nid of the root of the thread; 0 for the room's main timeline.</param>
/// <param name="RootId">The id of the thread's root; null for the main timeline.</param>
public readonly record struct UnreadCount(long Thread, string? RootId, long Notifications, long Highlights);

/// <param name="Event">Nid of the event.</param>
public readonly record struct NotificationRow(long Room, long Event, bool Read, bool Highlight);

/// <summary>Of whom the messages in a room have to be thought.</summary>
/// <param name="RulesPosition">The stream position of the last change of their push rules; null if they have those of everyone.</param>
/// <param name="IgnoredPosition">That of their list of ignored users; null if they have none.</param>
public readonly record struct NotifiedUser(long User, string UserId, long? RulesPosition, long? IgnoredPosition);

/// <summary>The <c>notifications</c> table: events that users of this server were, or are to be, notified of.</summary>
public static class NotificationTable
{
    /// <summary>In the place of a thread: events that are in none.</summary>
    public const long MainTimeline = 0;

    private const string UsersSql = """
        SELECT m.user, u.user_id, r.position, i.position
        FROM json_each(?2) l CROSS JOIN memberships m ON m.room = ?1 AND m.user = l.value JOIN users u ON u.nid = m.user
        LEFT JOIN account_data r ON r.user = m.user AND r.room = 0 AND r.type = 'm.push_rules'
        LEFT JOIN account_data i ON i.user = m.user AND i.room = 0 AND i.type = 'm.ignored_user_list'
        WHERE m.membership IN (1, 2)
        """;

    private const string InsertSql = """
        INSERT INTO notifications (user, event, room, thread, highlight) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """;

    private const string ReadAllSql = "UPDATE notifications SET read = 1 WHERE user = ? AND room = ? AND read = 0 AND event <= ?";
    private const string ReadThreadSql = ReadAllSql + " AND thread = ?";

    // What a thread left whose root is deleted is counted with the main timeline, and read with it.
    private const string ReadMainSql = ReadAllSql + " AND (thread = 0 OR NOT EXISTS (SELECT 1 FROM events WHERE nid = thread))";

    private const string UnreadSql = """
        SELECT thread, (SELECT event_id FROM events WHERE nid = thread), count(*), sum(highlight)
        FROM notifications WHERE user = ? AND room = ? AND read = 0 GROUP BY thread
        """;

    private const string BackwardSql = "SELECT room, event, read, highlight FROM notifications WHERE user = ? AND event < ? ORDER BY event DESC LIMIT ?";

    private const string HighlightsBackwardSql = """
        SELECT room, event, read, highlight FROM notifications WHERE user = ? AND event < ? AND highlight = 1 ORDER BY event DESC LIMIT ?
        """;

    private const string NextUnreadEventSql = "SELECT event FROM notifications WHERE user = ? AND event > ? AND read = 0 ORDER BY event LIMIT 1";

    private const string CountUnreadSql = "SELECT count(*) FROM (SELECT 1 FROM notifications WHERE user = ? AND read = 0 LIMIT 10000)";

    // From room to room, without looking at what is unread of each.
    private const string CountUnreadRoomsSql = """
        WITH RECURSIVE unread (room) AS (
            SELECT min(room) FROM notifications WHERE user = ?1 AND read = 0
            UNION ALL
            SELECT (SELECT min(n.room) FROM notifications n WHERE n.user = ?1 AND n.read = 0 AND n.room > unread.room)
            FROM unread WHERE unread.room IS NOT NULL
        )
        SELECT count(room) FROM unread
        """;

    private const string DeleteSql = "DELETE FROM notifications WHERE user = ? AND event = ?";

    // The accounts are few, and each has its unread messages in order.
    private const string DeleteUnreadSql = "DELETE FROM notifications WHERE read = 0 AND room = ? AND user IN (SELECT user FROM accounts)";

    private const string DeleteOfEventSql = "DELETE FROM notifications WHERE event = ? AND user IN (SELECT user FROM accounts)";

    private const string NextUserSql = "SELECT user FROM notifications WHERE user > ? ORDER BY user LIMIT 1";

    private const string NextUnreadSql = "SELECT room FROM notifications WHERE user = ? AND room > ? AND read = 0 ORDER BY room LIMIT 1";

    private const string TrimReadSql = """
        DELETE FROM notifications WHERE user = ?1 AND read = 1
        AND event <= (SELECT event FROM notifications WHERE user = ?1 AND read = 1 ORDER BY event DESC LIMIT 1 OFFSET ?2)
        """;

    private const string TrimUnreadSql = """
        DELETE FROM notifications WHERE user = ?1 AND room = ?2 AND read = 0
        AND event <= (SELECT event FROM notifications WHERE user = ?1 AND room = ?2 AND read = 0 ORDER BY event DESC LIMIT 1 OFFSET ?3)
        """;

    /// <summary>Those of the users whom what is said in the room concerns: its members and whom it invites.</summary>
    public static List<NotifiedUser> Users(Session db, long room, IEnumerable<long> users)
    {
        using var query = db.Prepare(UsersSql).Bind(room).Bind(RelationTable.JsonList(users));
        var found = new List<NotifiedUser>();
        while (query.Step())
        {
            found.Add(new NotifiedUser(query.Int64(0), query.Text(1), query.Int64OrNull(2), query.Int64OrNull(3)));
        }

        return found;
    }

    public static void Insert(WriteTransaction db, long user, long room, long @event, long thread, bool highlight)
    {
        using var insert = db.Prepare(InsertSql).Bind(user).Bind(@event).Bind(room).Bind(thread).Bind(highlight ? 1 : 0);
        insert.Run();
    }

    /// <summary>The first event after a nid that the user is to be notified of and has not read; null if there is none.</summary>
    public static long? NextUnreadEvent(Session db, long user, long after)
    {
        using var query = db.Prepare(NextUnreadEventSql).Bind(user).Bind(after);
        return query.Step() ? query.Int64(0) : null;
    }

    /// <summary>How many events the user has not read; 10,000 if they are more.</summary>
    public static long CountUnread(Session db, long user) => Count(db, CountUnreadSql, user);

    /// <summary>Of how many rooms the user has not read something.</summary>
    public static long CountUnreadRooms(Session db, long user) => Count(db, CountUnreadRoomsSql, user);

    /// <summary>The user has read up to an event, in all threads or in one.</summary>
    /// <returns>Whether there was something that had not been read.</returns>
    public static bool Read(WriteTransaction db, long user, long room, long upTo, long? thread)
    {
        var sql = thread switch
        {
            null => ReadAllSql,
            MainTimeline => ReadMainSql,
            _ => ReadThreadSql,
        };
        using var update = db.Prepare(sql).Bind(user).Bind(room).Bind(upTo);
        if (thread is { } root && root != MainTimeline)
        {
            update.Bind(root);
        }

        update.Run();
        return update.Changes > 0;
    }

    /// <summary>What the user has not read of a room, thread by thread.</summary>
    public static List<UnreadCount> Unread(Session db, long user, long room)
    {
        using var query = db.Prepare(UnreadSql).Bind(user).Bind(room);
        var counts = new List<UnreadCount>();
        while (query.Step())
        {
            var root = query.IsNull(1) ? null : EventIdBytes.Decode(query.Blob(1));
            counts.Add(new UnreadCount(query.Int64(0), root, query.Int64(2), query.Int64(3)));
        }

        return counts;
    }

    /// <summary>The user's notifications of before an event, the newest first.</summary>
    public static List<NotificationRow> Backward(Session db, long user, long before, bool highlightsOnly, int limit)
    {
        using var query = db.Prepare(highlightsOnly ? HighlightsBackwardSql : BackwardSql).Bind(user).Bind(before).Bind(limit);
        var rows = new List<NotificationRow>();
        while (query.Step())
        {
            rows.Add(new NotificationRow(query.Int64(0), query.Int64(1), query.Int64(2) != 0, query.Int64(3) != 0));
        }

        return rows;
    }

    private static long Count(Session db, string sql, long user)
    {
        using var query = db.Prepare(sql).Bind(user);
        query.Step();
        return query.Int64(0);
    }

    /// <summary>There is nothing left to notify of.</summary>
    /// <returns>Whether there was something.</returns>
    public static bool Delete(WriteTransaction db, long user, long @event)
    {
        using var delete = db.Prepare(DeleteSql).Bind(user).Bind(@event);
        delete.Run();
        return delete.Changes > 0;
    }

    /// <summary>The event is gone.</summary>
    public static void DeleteOf(WriteTransaction db, long @event)
    {
        using var delete = db.Prepare(DeleteOfEventSql).Bind(@event);
        delete.Run();
    }

    /// <summary>The room is gone.</summary>
    public static void DeleteUnread(WriteTransaction db, long room)
    {
        using var delete = db.Prepare(DeleteUnreadSql).Bind(room);
        delete.Run();
    }

    /// <summary>The first user after a nid who has notifications; null if there is none.</summary>
    public static long? NextUser(Session db, long after)
    {
        using var query = db.Prepare(NextUserSql).Bind(after);
        return query.Step() ? query.Int64(0) : null;
    }

    /// <summary>The first room after a nid of which the user has something unread; null if there is none.</summary>
    public static long? NextUnread(Session db, long user, long after)
    {
        using var query = db.Prepare(NextUnreadSql).Bind(user).Bind(after);
        return query.Step() ? query.Int64(0) : null;
    }

    /// <summary>Forgets what a user was notified of and has read, but for the newest.</summary>
    public static void TrimRead(WriteTransaction db, long user, int keep)
    {
        using var delete = db.Prepare(TrimReadSql).Bind(user).Bind(keep);
        delete.Run();
    }

    /// <summary>Forgets what is unread of a room, but for the newest.</summary>
    public static void TrimUnread(WriteTransaction db, long user, long room, int keep)
    {
        using var delete = db.Prepare(TrimUnreadSql).Bind(user).Bind(room).Bind(keep);
        delete.Run();
    }
}
