namespace EdgeMatrix.Storage.Federation;

/// <summary>A room, and the positions between which a server was in it.</summary>
/// <param name="Since">Stream position at which it came in: what happens after it concerns the server.</param>
/// <param name="Until">Stream position at which its last user left: what happened before it concerns the server still; null while it is in.</param>
public readonly record struct RoomWindow(long Room, long Since, long? Until);

/// <summary>
/// The <c>outgoing_events</c> table: which events of a room its other servers are to hear of from this one, and the
/// <c>outgoing_strangers</c> beside it: events that concern a server which is not in their room.
/// </summary>
/// <remarks>
/// There is one row for an event, for however many servers: who has it is told by the cursor of each (<see cref="OutgoingCursorTable"/>),
/// to whom it goes by when each was in the room (<c>room_servers</c>).
/// </remarks>
public static class OutgoingEventTable
{
    private const string AddSql = "INSERT INTO outgoing_events (room, position) VALUES (?, ?)";
    private const string BetweenSql = "SELECT position FROM outgoing_events WHERE room = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?";
    private const string LastSql = "SELECT max(position) FROM outgoing_events WHERE room = ? AND position > ? AND position <= ?";

    private const string MoreSql = """
        SELECT 1 FROM outgoing_events WHERE room = ? AND position > ? AND position <= ? LIMIT 1 OFFSET ?
        """;

    private const string CountSql = "SELECT count(*) FROM outgoing_events WHERE room = ? AND position > ? AND position <= ?";

    private const string WindowsSql = """
        SELECT room, since, until FROM room_servers WHERE server = ? AND (until IS NULL OR until > ?)
        """;

    private const string ReceiversSql = """
        SELECT server FROM room_servers WHERE room = ?1 AND since < ?2 AND (until IS NULL OR until >= ?2)
        """;

    private const string ServersSql = """
        SELECT DISTINCT server FROM (
            SELECT server FROM (SELECT DISTINCT server FROM room_servers WHERE server > ?1 ORDER BY server LIMIT ?2)
            UNION ALL SELECT server FROM (SELECT DISTINCT server FROM outgoing_strangers WHERE server > ?1 ORDER BY server LIMIT ?2)
            UNION ALL SELECT server FROM (SELECT DISTINCT server FROM outgoing_messages WHERE server > ?1 ORDER BY server LIMIT ?2))
        ORDER BY server LIMIT ?2
        """;

    private const string AddStrangerSql = "INSERT OR IGNORE INTO outgoing_strangers (server, position, room) VALUES (?, ?, ?)";

    private const string StrangersSql = """
        SELECT room, position FROM outgoing_strangers WHERE server = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?
        """;

    private const string DeleteStrangersSql = "DELETE FROM outgoing_strangers WHERE server = ? AND position <= ?";

    private const string RoomsSql = "SELECT DISTINCT room FROM outgoing_events WHERE room > ? ORDER BY room LIMIT ?";

    // What all who are concerned have, and what is more than so many behind the newest.
    private const string DoneSql = """
        SELECT max(
            coalesce((
                SELECT min(max(coalesce(c.position, 0), s.since)) FROM room_servers s LEFT JOIN outgoing_cursors c ON c.server = s.server
                WHERE s.room = ?1 AND (s.until IS NULL OR s.until > coalesce(c.position, 0))), ?3),
            coalesce((SELECT position FROM outgoing_events WHERE room = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2), 0))
        """;

    private const string TrimSql = "DELETE FROM outgoing_events WHERE room = ? AND position <= ?";

    /// <param name="position">The event's order in the room's timeline.</param>
    public static void Add(WriteTransaction db, long room, long position)
    {
        using var insert = db.Prepare(AddSql).Bind(room).Bind(position);
        insert.Run();
    }

    /// <summary>Notes an event for a server that is not in its room.</summary>
    public static void AddStranger(WriteTransaction db, string server, long room, long position)
    {
        using var insert = db.Prepare(AddStrangerSql).Bind(server).Bind(position).Bind(room);
        insert.Run();
    }

    /// <summary>Positions of the events of a room that are to be told, in their order.</summary>
    public static List<long> Between(Session db, long room, long after, long upTo, int limit)
    {
        using var query = db.Prepare(BetweenSql).Bind(room).Bind(after).Bind(upTo).Bind(limit);
        var positions = new List<long>();
        while (query.Step())
        {
            positions.Add(query.Int64(0));
        }

        return positions;
    }

    /// <summary>The last of them; null if there is none.</summary>
    public static long? LastBetween(Session db, long room, long after, long upTo)
    {
        using var query = db.Prepare(LastSql).Bind(room).Bind(after).Bind(upTo);
        return query.Step() ? query.Int64OrNull(0) : null;
    }

    /// <summary>Whether they are more than so many.</summary>
    public static bool HasMoreThan(Session db, long room, long after, long upTo, int most)
    {
        using var query = db.Prepare(MoreSql).Bind(room).Bind(after).Bind(upTo).Bind(most);
        return query.Step();
    }

    public static long Count(Session db, long room, long after, long upTo)
    {
        using var query = db.Prepare(CountSql).Bind(room).Bind(after).Bind(upTo);
        return query.Step() ? query.Int64(0) : 0;
    }

    /// <summary>Rooms and positions of events that concern a server which is not in their room.</summary>
    public static List<(long Room, long Position)> Strangers(Session db, string server, long after, long upTo, int limit)
    {
        using var query = db.Prepare(StrangersSql).Bind(server).Bind(after).Bind(upTo).Bind(limit);
        var events = new List<(long, long)>();
        while (query.Step())
        {
            events.Add((query.Int64(0), query.Int64(1)));
        }

        return events;
    }

    public static void DeleteStrangers(WriteTransaction db, string server, long upTo)
    {
        using var delete = db.Prepare(DeleteStrangersSql).Bind(server).Bind(upTo);
        delete.Run();
    }

    /// <summary>The rooms that a server is in, or was in after a position.</summary>
    public static List<RoomWindow> Windows(Session db, string server, long after)
    {
        using var query = db.Prepare(WindowsSql).Bind(server).Bind(after);
        var windows = new List<RoomWindow>();
        while (query.Step())
        {
            windows.Add(new RoomWindow(query.Int64(0), query.Int64(1), query.Int64OrNull(2)));
        }

        return windows;
    }

    /// <summary>The servers that are to be told of what happened in a room at a position.</summary>
    public static List<string> Receivers(Session db, long room, long position) =>
        Names(db.Prepare(ReceiversSql).Bind(room).Bind(position));

    /// <summary>Some servers by name, those after one, for which there may be anything.</summary>
    public static List<string> Servers(Session db, string after, int limit) =>
        Names(db.Prepare(ServersSql).Bind(after).Bind(limit));

    /// <summary>Nids of some rooms with rows, those after one.</summary>
    public static List<long> Rooms(Session db, long after, int limit)
    {
        using var query = db.Prepare(RoomsSql).Bind(after).Bind(limit);
        var rooms = new List<long>();
        while (query.Step())
        {
            rooms.Add(query.Int64(0));
        }

        return rooms;
    }

    /// <summary>The position up to which the rows of a room serve nobody: all have the events, or are so far behind that they get the newest only.</summary>
    /// <param name="keep">So many rows of the room stay, at most.</param>
    /// <param name="now">A position that everything is below: of a room without other servers all rows go.</param>
    public static long Done(Session db, long room, int keep, long now)
    {
        using var query = db.Prepare(DoneSql).Bind(room).Bind(keep).Bind(now);
        return query.Step() ? query.Int64(0) : 0;
    }

    public static void DeleteUpTo(WriteTransaction db, long room, long position)
    {
        using var delete = db.Prepare(TrimSql).Bind(room).Bind(position);
        delete.Run();
    }

    private static List<string> Names(Statement query)
    {
        using (query)
        {
            var servers = new List<string>();
            while (query.Step())
            {
                servers.Add(query.Text(0));
            }

            return servers;
        }
    }
}
