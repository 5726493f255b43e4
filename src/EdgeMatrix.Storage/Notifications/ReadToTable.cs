using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage.Notifications;

/// <summary>
/// The <c>read_to</c> table: up to which event users have read what they are notified of, in all of a room or in one of its threads. It
/// moves where a receipt, a message of their own, or a move of theirs makes something read that was not.
/// </summary>
internal static class ReadToTable
{
    /// <summary>In the place of a thread: the main timeline and all threads.</summary>
    public const long Everything = -1;

    private const string OfUserSql = "SELECT thread, event FROM read_to WHERE room = ? AND user = ?";

    private const string NewestSql = """
        SELECT l.value, max(r.event) FROM json_each(?2) l CROSS JOIN read_to r ON r.room = ?1 AND r.user = l.value AND r.thread IN (-1, ?3, ?4)
        GROUP BY l.value
        """;

    private const string SetSql = """
        INSERT INTO read_to (room, user, thread, event) VALUES (?, ?, ?, ?) ON CONFLICT (room, user, thread) DO UPDATE SET event = excluded.event
        """;

    private const string DeletePassedSql = "DELETE FROM read_to WHERE room = ? AND user = ? AND thread >= 0 AND event <= ?";
    private const string AnyBeforeSql = "SELECT 1 FROM read_to WHERE room = ? AND event < ? LIMIT 1";
    private const string DeleteBeforeSql = "DELETE FROM read_to WHERE room = ? AND event < ?";

    /// <summary>How far the user has read in all of a room (<see cref="Everything"/>) and in its threads.</summary>
    public static Dictionary<long, long> OfUser(Session db, long room, long user)
    {
        using var query = db.Prepare(OfUserSql).Bind(room).Bind(user);
        var read = new Dictionary<long, long>();
        while (query.Step())
        {
            read[query.Int64(0)] = query.Int64(1);
        }

        return read;
    }

    /// <summary>How far users have read in a thread, be it by reading everything; who is not in it has read nothing.</summary>
    /// <param name="other">Another thread that counts as well.</param>
    public static Dictionary<long, long> Of(Session db, long room, IEnumerable<long> users, long thread, long other)
    {
        using var query = db.Prepare(NewestSql).Bind(room).Bind(RelationTable.JsonList(users)).Bind(thread).Bind(other);
        var read = new Dictionary<long, long>();
        while (query.Step())
        {
            read[query.Int64(0)] = query.Int64(1);
        }

        return read;
    }

    /// <param name="thread">Null: everything.</param>
    public static void Set(WriteTransaction db, long room, long user, long? thread, long @event)
    {
        using (var upsert = db.Prepare(SetSql).Bind(room).Bind(user).Bind(thread ?? Everything).Bind(@event))
        {
            upsert.Run();
        }

        if (thread is null)
        {
            // Whoever has read everything to there has read every thread to there.
            using var delete = db.Prepare(DeletePassedSql).Bind(room).Bind(user).Bind(@event);
            delete.Run();
        }
    }

    /// <summary>Whether there is something that <see cref="DeleteBefore"/> would forget.</summary>
    public static bool AnyBefore(Session db, long room, long @event)
    {
        using var query = db.Prepare(AnyBeforeSql).Bind(room).Bind(@event);
        return query.Step();
    }

    /// <summary>Forgets what is told by nothing that is still listed.</summary>
    /// <param name="event">Of the room's first event that anybody is notified of.</param>
    public static void DeleteBefore(WriteTransaction db, long room, long @event)
    {
        using var delete = db.Prepare(DeleteBeforeSql).Bind(room).Bind(@event);
        delete.Run();
    }
}
