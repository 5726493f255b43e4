namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>room_servers</c> table: the other servers that have, or had, users joined to a room.</summary>
public static class RoomServerTable
{
    private const string JoinedSql = """
        INSERT INTO room_servers (room, server, members, since) VALUES (?1, ?2, 1, ?3)
        ON CONFLICT (room, server) DO UPDATE SET
            since = iif(members = 0, excluded.since, since), until = NULL, members = members + 1
        """;

    private const string LeftSql = """
        UPDATE room_servers SET until = iif(members = 1, ?3, NULL), members = members - 1 WHERE room = ?1 AND server = ?2
        """;

    private const string IsInSql = "SELECT 1 FROM room_servers WHERE room = ? AND server = ? AND members > 0";
    private const string MembersSql = "SELECT members FROM room_servers WHERE room = ? AND server = ?";
    private const string InRoomSql = "SELECT server FROM room_servers WHERE room = ? AND members > 0";

    // Who was heard of and answers, then who was never asked, then who does not answer.
    private const string LikelySql = """
        SELECT s.server FROM room_servers s LEFT JOIN destinations d ON d.server = s.server WHERE s.room = ? AND s.members > 0
        ORDER BY CASE WHEN d.last_heard_ts IS NULL THEN 1 WHEN d.failures > 0 THEN 2 ELSE 0 END, s.members DESC, s.server LIMIT ?
        """;

    private const string RoomsOfSql = "SELECT room FROM room_servers WHERE server = ? AND members > 0";

    private const string ShareRoomSql = """
        SELECT DISTINCT s.server FROM memberships m CROSS JOIN room_servers s ON s.room = m.room AND s.members > 0
        WHERE m.user = ? AND m.membership = 1
        """;

    private const string ShareOtherSql = """
        SELECT 1 FROM memberships m CROSS JOIN room_servers s ON s.room = m.room AND s.server = ?2 AND s.members > 0
        WHERE m.user = ?1 AND m.membership = 1 AND m.room <> ?3 LIMIT 1
        """;

    /// <summary>A user of the server joined.</summary>
    public static void Joined(WriteTransaction db, long room, string server)
    {
        using var upsert = db.Prepare(JoinedSql).Bind(room).Bind(server).Bind(db.NextPosition());
        upsert.Run();
    }

    /// <summary>A user of the server is joined no longer.</summary>
    public static void Left(WriteTransaction db, long room, string server)
    {
        using var update = db.Prepare(LeftSql).Bind(room).Bind(server).Bind(db.NextPosition());
        update.Run();
    }

    /// <summary>Whether any user of the server is joined.</summary>
    public static bool IsIn(Session db, long room, string server)
    {
        using var query = db.Prepare(IsInSql).Bind(room).Bind(server);
        return query.Step();
    }

    /// <summary>How many users of the server are joined.</summary>
    public static long Members(Session db, long room, string server)
    {
        using var query = db.Prepare(MembersSql).Bind(room).Bind(server);
        return query.Step() ? query.Int64(0) : 0;
    }

    /// <summary>The other servers that are in the room.</summary>
    public static List<string> InRoom(Session db, long room)
    {
        using var query = db.Prepare(InRoomSql).Bind(room);
        return Names(query);
    }

    /// <summary>The other servers in the room, those first that are the likeliest to answer, and of these who has the most users.</summary>
    public static List<string> Likely(Session db, long room, int limit)
    {
        using var query = db.Prepare(LikelySql).Bind(room).Bind(limit);
        return Names(query);
    }

    /// <summary>The other servers with which a user shares a room.</summary>
    /// <param name="user">Nid of the user.</param>
    public static List<string> SharingRoomWith(Session db, long user)
    {
        using var query = db.Prepare(ShareRoomSql).Bind(user);
        return Names(query);
    }

    /// <summary>Whether a user shares a room with a server besides the given one.</summary>
    /// <param name="user">Nid of the user.</param>
    public static bool SharesOther(Session db, long user, string server, long room)
    {
        using var query = db.Prepare(ShareOtherSql).Bind(user).Bind(server).Bind(room);
        return query.Step();
    }

    /// <summary>Nids of the rooms that the server is in.</summary>
    public static List<long> RoomsOf(Session db, string server)
    {
        using var query = db.Prepare(RoomsOfSql).Bind(server);
        var rooms = new List<long>();
        while (query.Step())
        {
            rooms.Add(query.Int64(0));
        }

        return rooms;
    }

    private static List<string> Names(Statement query)
    {
        var servers = new List<string>();
        while (query.Step())
        {
            servers.Add(query.Text(0));
        }

        return servers;
    }
}
