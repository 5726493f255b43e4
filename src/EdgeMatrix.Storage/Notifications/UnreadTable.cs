using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage.Notifications;

/// <summary>What a user was notified of in a room and has not read.</summary>
/// <param name="Main">Of the main timeline.</param>
/// <param name="Threads">Of all threads together.</param>
public readonly record struct UnreadOfRoom(UnreadCount Main, UnreadCount Threads)
{
    public long Notifications => Main.Notifications + Threads.Notifications;

    public long Highlights => Main.Highlights + Threads.Highlights;
}

/// <summary>The <c>unread</c> table: the counts of a room's local users, a row for the main timeline, one for all threads, one for each thread.</summary>
/// <remarks>Changed by <see cref="RoomNotifications"/> alone, which keeps it to what <c>notified</c> and <c>read_to</c> say.</remarks>
public static class UnreadTable
{
    /// <summary>In the place of a thread: events that are in none.</summary>
    public const long MainTimeline = 0;

    /// <summary>In the place of a thread: all threads, without the main timeline.</summary>
    public const long AllThreads = -1;

    private const string FindSql = "SELECT counts FROM unread WHERE room = ? AND thread = ?";
    private const string OfRoomSql = "SELECT thread, counts FROM unread WHERE room = ? AND thread <= 0";

    // A user who reads has news in the newest threads, so those come first.
    private const string ThreadsSql = "SELECT thread, counts FROM unread WHERE room = ? AND thread > 0 ORDER BY thread DESC";

    private const string SetSql = """
        INSERT INTO unread (room, thread, counts) VALUES (?, ?, ?) ON CONFLICT (room, thread) DO UPDATE SET counts = excluded.counts
        """;

    private const string DeleteSql = "DELETE FROM unread WHERE room = ? AND thread = ?";

    private const string OfUserSql = """
        SELECT u.room, u.counts FROM memberships m CROSS JOIN unread u ON u.room = m.room AND u.thread <= 0
        WHERE m.user = ? AND m.membership IN (1, 2)
        """;

    /// <summary>What a user has not read of a room: the same few steps, however much that is.</summary>
    public static UnreadOfRoom Of(Session db, long room, long user)
    {
        var (main, threads) = (new UnreadCount(user, 0, 0), new UnreadCount(user, 0, 0));
        using var query = db.Prepare(OfRoomSql).Bind(room);
        while (query.Step())
        {
            var count = UnreadCounts.Find(query.Blob(1), user);
            (main, threads) = query.Int64(0) == MainTimeline ? (count, threads) : (main, count);
        }

        return new UnreadOfRoom(main, threads);
    }

    /// <summary>What a user has not read of the threads of a room, thread by thread.</summary>
    /// <param name="all">What they have not read of all together: no more is looked for.</param>
    public static List<(string RootId, UnreadCount Count)> ThreadsOf(Session db, long room, UnreadCount all)
    {
        var found = new List<(string, UnreadCount)>();
        foreach (var (thread, counts) in Threads(db, room, all.User, all.Notifications))
        {
            found.AddRange(EventTable.IdsOf(db, [thread]).Select(root => (root, counts)));
        }

        return found;
    }

    /// <summary>How many messages a user has not read in all rooms, and of how many rooms they have not read something.</summary>
    public static (long Messages, long Rooms) OfUser(Session db, long user)
    {
        var (messages, rooms, last) = (0L, 0L, 0L);
        using var query = db.Prepare(OfUserSql).Bind(user);
        while (query.Step())
        {
            var (room, unread) = (query.Int64(0), UnreadCounts.Find(query.Blob(1), user).Notifications);
            if (unread > 0)
            {
                messages += unread;
                rooms += room == last ? 0 : 1;
                last = room;
            }
        }

        return (messages, rooms);
    }

    /// <summary>The threads of which a user has not read something, the newest first.</summary>
    /// <param name="all">How many notifications that is in all.</param>
    internal static IEnumerable<(long Thread, UnreadCount Count)> Threads(Session db, long room, long user, long all)
    {
        if (all == 0)
        {
            yield break;
        }

        using var query = db.Prepare(ThreadsSql).Bind(room);
        while (all > 0 && query.Step())
        {
            if (UnreadCounts.Find(query.Blob(1), user) is { Notifications: > 0 } count)
            {
                all -= count.Notifications;
                yield return (query.Int64(0), count);
            }
        }
    }

    internal static UnreadCounts Find(Session db, long room, long thread)
    {
        using var query = db.Prepare(FindSql).Bind(room).Bind(thread);
        return new UnreadCounts(query.Step() ? query.Blob(0) : []);
    }

    internal static void Set(WriteTransaction db, long room, long thread, UnreadCounts counts)
    {
        using var change = counts.All.Count == 0
            ? db.Prepare(DeleteSql).Bind(room).Bind(thread)
            : db.Prepare(SetSql).Bind(room).Bind(thread).Bind(counts.Pack());
        change.Run();
    }
}
