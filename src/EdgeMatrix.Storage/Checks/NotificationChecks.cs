using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage.Checks;

/// <summary>Counts again what users have not read, and holds <c>unread</c> to it.</summary>
internal static class NotificationChecks
{
    private const string RoomsSql = """
        SELECT room FROM (SELECT room FROM notified UNION SELECT room FROM unread) WHERE room NOT IN (SELECT nid FROM purged_rooms)
        """;

    private const string ReadToSql = "SELECT user, thread, event FROM read_to WHERE room = ?";
    private const string UnreadSql = "SELECT thread, counts FROM unread WHERE room = ?";

    public static IEnumerable<string> Findings(Session db)
    {
        using var rooms = db.Prepare(RoomsSql);
        while (rooms.Step())
        {
            var room = rooms.Int64(0);
            foreach (var fault in Faults(db, room))
            {
                yield return $"Room {RoomTable.Find(db, room)?.RoomId ?? room.ToString()} {fault}.";
            }
        }
    }

    private static List<string> Faults(Session db, long room)
    {
        try
        {
            var counted = Count(db, room, ReadTo(db, room));
            return [.. Differences(counted, Stored(db, room))];
        }
        catch (DatabaseException exception)
        {
            return ["has notifications that cannot be read: " + exception.Message];
        }
    }

    private static IEnumerable<string> Differences(
        Dictionary<(long User, long Thread), UnreadCount> counted, Dictionary<(long User, long Thread), UnreadCount> stored)
    {
        foreach (var (user, thread) in counted.Keys.Union(stored.Keys))
        {
            var none = new UnreadCount(user, 0, 0);
            var (right, told) = (counted.GetValueOrDefault((user, thread), none), stored.GetValueOrDefault((user, thread), none));
            if (right != told)
            {
                yield return $"says of thread {thread} that user {user} has {Text(told)} unread, and it is {Text(right)}";
            }
        }

        static string Text(UnreadCount count) => $"{count.Notifications} ({count.Highlights} to stand out)";
    }

    private static Dictionary<(long User, long Thread), UnreadCount> Count(Session db, long room, Dictionary<(long, long), long> readTo)
    {
        var counts = new Dictionary<(long, long), UnreadCount>();
        foreach (var row in NotifiedTable.After(db, room, 0))
        {
            var thread = row.Thread != UnreadTable.MainTimeline && EventTable.Exists(db, row.Thread) ? row.Thread : UnreadTable.MainTimeline;
            foreach (var (user, highlight) in row.Users.Where(one => IsUnread(one.User)))
            {
                Add(user, thread, highlight);
                if (thread != UnreadTable.MainTimeline)
                {
                    Add(user, UnreadTable.AllThreads, highlight);
                }
            }

            bool IsUnread(long user) => row.Event > readTo.GetValueOrDefault((user, ReadToTable.Everything))
                && row.Event > readTo.GetValueOrDefault((user, row.Thread))
                && row.Event > readTo.GetValueOrDefault((user, thread));
        }

        return counts;

        void Add(long user, long thread, bool highlight) =>
            counts[(user, thread)] = counts.GetValueOrDefault((user, thread), new UnreadCount(user, 0, 0)).Plus(1, highlight ? 1 : 0);
    }

    private static Dictionary<(long User, long Thread), long> ReadTo(Session db, long room)
    {
        var read = new Dictionary<(long, long), long>();
        using var query = db.Prepare(ReadToSql).Bind(room);
        while (query.Step())
        {
            read[(query.Int64(0), query.Int64(1))] = query.Int64(2);
        }

        return read;
    }

    private static Dictionary<(long User, long Thread), UnreadCount> Stored(Session db, long room)
    {
        var stored = new Dictionary<(long, long), UnreadCount>();
        using var query = db.Prepare(UnreadSql).Bind(room);
        while (query.Step())
        {
            foreach (var count in new UnreadCounts(query.Blob(1)).All)
            {
                stored[(count.User, query.Int64(0))] = count;
            }
        }

        return stored;
    }
}
