namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>room_names</c> table: what rooms are called, in small letters, for lists in that order and for who looks for one.</summary>
/// <remarks>Where nothing was looked up yet, as in rooms that an older EdgeMatrix stored, the name stays unknown until upkeep comes by.</remarks>
public static class RoomNameTable
{
    private const string SetSql = """
        INSERT INTO room_names (room, place, name, alias) VALUES (?, ?, ?, ?)
        ON CONFLICT (room) DO UPDATE SET place = excluded.place, name = excluded.name, alias = excluded.alias
        """;

    private const string UnknownSql = "SELECT room FROM room_names WHERE place IS NULL LIMIT ?";

    /// <summary>Notes what a room is called now.</summary>
    /// <param name="name">Of <c>m.room.name</c>; null: none.</param>
    /// <param name="alias">Of <c>m.room.canonical_alias</c>; null: none.</param>
    public static void Set(WriteTransaction db, RoomRow room, string? name, string? alias)
    {
        (name, alias) = (Small(name), Small(alias));
        using var upsert = db.Prepare(SetSql).Bind(room.Nid).Bind(name ?? alias ?? Small(room.RoomId)).Bind(name).Bind(alias);
        upsert.Run();
    }

    /// <summary>Nids of rooms whose names were not looked up yet.</summary>
    public static List<long> Unknown(Session db, int limit)
    {
        using var query = db.Prepare(UnknownSql).Bind(limit);
        var rooms = new List<long>();
        while (query.Step())
        {
            rooms.Add(query.Int64(0));
        }

        return rooms;
    }

    internal static string? Small(string? text) => string.IsNullOrEmpty(text) ? null : text.ToLowerInvariant();
}
