namespace EdgeMatrix.Storage.Rooms;

/// <param name="Origin">The server that sent it.</param>
/// <param name="ReceivedTs">When it came, ms since the Unix epoch.</param>
/// <param name="Json">The canonical event, which passed the checks that need no room.</param>
public sealed record WaitingEvent(string EventId, string Origin, long ReceivedTs, byte[] Json);

/// <summary>
/// The <c>waiting_events</c> table: events of other servers that cannot be judged before other events are here, which are to be fetched. A server was
/// told that they came, so they are on the disk.
/// </summary>
public static class WaitingEventTable
{
    /// <summary>So many of one server in one room; the oldest go first, for what is newer leads to what is older.</summary>
    public const int MostOfOrigin = 100;

    /// <summary>So many in one room.</summary>
    public const int MostInRoom = 500;

    /// <summary>So many of one server in all rooms.</summary>
    public const int MostOfOriginInAll = 1_000;

    private const string InsertSql = """
        INSERT INTO waiting_events (room, event_id, origin, received_ts, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (room, event_id) DO NOTHING
        """;

    private const string DeleteSql = "DELETE FROM waiting_events WHERE room = ? AND event_id = ?";

    private const string DeleteOldSql = "DELETE FROM waiting_events WHERE room = ? AND received_ts <= ?";

    private const string TrimRoomSql = """
        DELETE FROM waiting_events WHERE nid IN (SELECT nid FROM waiting_events WHERE room = ? ORDER BY nid DESC LIMIT -1 OFFSET ?)
        """;

    private const string TrimOriginInRoomSql = """
        DELETE FROM waiting_events WHERE nid IN (
            SELECT nid FROM waiting_events WHERE origin = ? AND room = ? ORDER BY nid DESC LIMIT -1 OFFSET ?)
        """;

    private const string TrimOriginSql = """
        DELETE FROM waiting_events WHERE nid IN (SELECT nid FROM waiting_events WHERE origin = ? ORDER BY nid DESC LIMIT -1 OFFSET ?)
        """;

    private const string OfRoomSql = "SELECT event_id, origin, received_ts, body FROM waiting_events WHERE room = ? ORDER BY nid DESC LIMIT ?";
    private const string RoomsSql = "SELECT DISTINCT r.room_id FROM waiting_events w JOIN rooms r ON r.nid = w.room";
    private const string HasSql = "SELECT 1 FROM waiting_events WHERE room = ? AND event_id = ?";
    private const string CountSql = "SELECT count(*) FROM waiting_events";

    /// <summary>Keeps an event, if it is not kept already.</summary>
    /// <returns>How many others went to make room.</returns>
    public static long Add(WriteTransaction db, long room, WaitingEvent waiting)
    {
        using (var insert = db.Prepare(InsertSql)
            .Bind(room).Bind(EventIdBytes.Encode(waiting.EventId)).Bind(waiting.Origin).Bind(waiting.ReceivedTs).Bind(waiting.Json))
        {
            insert.Run();
            if (insert.Changes == 0)
            {
                return 0;
            }
        }

        return Trim(db.Prepare(TrimOriginInRoomSql).Bind(waiting.Origin).Bind(room).Bind(MostOfOrigin))
            + Trim(db.Prepare(TrimOriginSql).Bind(waiting.Origin).Bind(MostOfOriginInAll))
            + Trim(db.Prepare(TrimRoomSql).Bind(room).Bind(MostInRoom));
    }

    /// <summary>An event waits no more.</summary>
    public static void Delete(WriteTransaction db, long room, string eventId)
    {
        using var delete = db.Prepare(DeleteSql).Bind(room).Bind(EventIdBytes.Encode(eventId));
        delete.Run();
    }

    /// <summary>Gives up what came at a time or before.</summary>
    /// <returns>How many that were.</returns>
    public static long DeleteOld(WriteTransaction db, long room, long untilMs) => Trim(db.Prepare(DeleteOldSql).Bind(room).Bind(untilMs));

    /// <summary>Events that wait in a room, the newest first.</summary>
    public static List<WaitingEvent> OfRoom(Session db, long room, int limit)
    {
        using var query = db.Prepare(OfRoomSql).Bind(room).Bind(limit);
        var waiting = new List<WaitingEvent>();
        while (query.Step())
        {
            waiting.Add(new WaitingEvent(EventIdBytes.Decode(query.Blob(0)), query.Text(1), query.Int64(2), query.Blob(3).ToArray()));
        }

        return waiting;
    }

    /// <summary>Whether the event waits in the room.</summary>
    public static bool Has(Session db, long room, string eventId)
    {
        using var query = db.Prepare(HasSql).Bind(room).Bind(EventIdBytes.Encode(eventId));
        return query.Step();
    }

    /// <summary>Ids of the rooms in which events wait.</summary>
    public static List<string> Rooms(Session db)
    {
        using var query = db.Prepare(RoomsSql);
        var rooms = new List<string>();
        while (query.Step())
        {
            rooms.Add(query.Text(0));
        }

        return rooms;
    }

    public static long Count(Session db)
    {
        using var query = db.Prepare(CountSql);
        return query.Step() ? query.Int64(0) : 0;
    }

    private static long Trim(Statement statement)
    {
        using (statement)
        {
            statement.Run();
            return statement.Changes;
        }
    }
}
