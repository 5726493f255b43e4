namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>room_aliases</c> table: which room a local alias points to.</summary>
public static class RoomAliasTable
{
    private const string FindSql = """
        SELECT a.room, r.room_id, a.creator FROM room_aliases a JOIN rooms r ON r.nid = a.room WHERE a.alias = ?
        """;

    // An alias is first come, first served: an existing row wins.
    private const string InsertSql = "INSERT INTO room_aliases (alias, room, creator) VALUES (?, ?, ?) ON CONFLICT (alias) DO NOTHING";
    private const string DeleteSql = "DELETE FROM room_aliases WHERE alias = ?";
    private const string MoveSql = "UPDATE room_aliases SET room = ? WHERE room = ?";
    private const string OfRoomSql = "SELECT alias FROM room_aliases WHERE room = ? ORDER BY alias";

    public static (long Room, string RoomId, long Creator)? Find(Session db, string alias)
    {
        using var query = db.Prepare(FindSql).Bind(alias);
        return query.Step() ? (query.Int64(0), query.Text(1), query.Int64(2)) : null;
    }

    /// <summary>Adds an alias; returns false, and changes nothing, if it is taken.</summary>
    public static bool TryAdd(WriteTransaction db, string alias, long room, long creator)
    {
        using var insert = db.Prepare(InsertSql).Bind(alias).Bind(room).Bind(creator);
        insert.Run();
        return insert.Changes == 1;
    }

    /// <summary>Points all aliases of a room to another one.</summary>
    public static void Move(WriteTransaction db, long from, long to)
    {
        using var update = db.Prepare(MoveSql).Bind(to).Bind(from);
        update.Run();
    }

    public static bool Remove(WriteTransaction db, string alias)
    {
        using var delete = db.Prepare(DeleteSql).Bind(alias);
        delete.Run();
        return delete.Changes == 1;
    }

    public static List<string> OfRoom(Session db, long room)
    {
        using var query = db.Prepare(OfRoomSql).Bind(room);
        var aliases = new List<string>();
        while (query.Step())
        {
            aliases.Add(query.Text(0));
        }

        return aliases;
    }
}
