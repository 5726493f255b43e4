using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage.Notifications;

/// <summary>
/// The <c>push_queue</c> table: of users who have a pusher, what not all of their pushers have delivered yet. What they read meanwhile
/// goes from it; and what is delivered, and what is left when the last pusher goes, by triggers of the schema.
/// </summary>
public static class PushQueueTable
{
    private const string InsertSql = """
        INSERT INTO push_queue (user, event, room, thread) SELECT value, ?2, ?3, ?4 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING
        """;

    private const string NextSql = "SELECT event FROM push_queue WHERE user = ? AND event > ? ORDER BY event LIMIT 1";
    private const string ReadAllSql = "DELETE FROM push_queue WHERE user = ? AND event <= ? AND room = ?";
    private const string ReadThreadSql = ReadAllSql + " AND thread = ?";
    private const string ReadMainSql = ReadAllSql + " AND (thread = 0 OR NOT EXISTS (SELECT 1 FROM events WHERE nid = thread))";
    private const string DeleteSql = "DELETE FROM push_queue WHERE event = ?2 AND user IN (SELECT value FROM json_each(?1))";
    private const string DeleteRoomSql = "DELETE FROM push_queue WHERE user IN (SELECT user FROM pushers) AND room = ?";

    /// <summary>The first event after a nid that the user's pushers are to tell of; null if there is none.</summary>
    public static long? Next(Session db, long user, long after)
    {
        using var query = db.Prepare(NextSql).Bind(user).Bind(after);
        return query.Step() ? query.Int64(0) : null;
    }

    internal static void Insert(WriteTransaction db, IEnumerable<long> users, long room, long @event, long thread)
    {
        using var insert = db.Prepare(InsertSql).Bind(RelationTable.JsonList(users)).Bind(@event).Bind(room).Bind(thread);
        insert.Run();
    }

    /// <param name="thread">Null: everything.</param>
    internal static void Read(WriteTransaction db, long user, long room, long upTo, long? thread)
    {
        using var delete = db.Prepare(thread switch
        {
            null => ReadAllSql,
            UnreadTable.MainTimeline => ReadMainSql,
            _ => ReadThreadSql,
        }).Bind(user).Bind(upTo).Bind(room);
        if (thread is { } root && root != UnreadTable.MainTimeline)
        {
            delete.Bind(root);
        }

        delete.Run();
    }

    /// <summary>These users are to be told of the event no more.</summary>
    internal static void Delete(WriteTransaction db, IEnumerable<long> users, long @event)
    {
        using var delete = db.Prepare(DeleteSql).Bind(RelationTable.JsonList(users)).Bind(@event);
        delete.Run();
    }

    /// <summary>The room is gone.</summary>
    internal static void DeleteRoom(WriteTransaction db, long room)
    {
        using var delete = db.Prepare(DeleteRoomSql).Bind(room);
        delete.Run();
    }
}
