namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>blocked_rooms</c> table: rooms that nobody here may join or be invited to, be they known here or not.</summary>
public static class BlockedRoomTable
{
    private const string FindSql = "SELECT u.user_id FROM blocked_rooms b JOIN users u ON u.nid = b.blocker WHERE b.room_id = ?";
    private const string AddSql = "INSERT INTO blocked_rooms (room_id, blocker) VALUES (?, ?) ON CONFLICT (room_id) DO NOTHING";
    private const string RemoveSql = "DELETE FROM blocked_rooms WHERE room_id = ?";

    /// <summary>The user id of who blocked the room; null if nobody did.</summary>
    public static string? Blocker(Session db, string roomId)
    {
        using var query = db.Prepare(FindSql).Bind(roomId);
        return query.Step() ? query.Text(0) : null;
    }

    /// <param name="blocker">Nid of the administrator.</param>
    public static void Add(WriteTransaction db, string roomId, long blocker)
    {
        using var insert = db.Prepare(AddSql).Bind(roomId).Bind(blocker);
        insert.Run();
    }

    public static void Remove(WriteTransaction db, string roomId)
    {
        using var delete = db.Prepare(RemoveSql).Bind(roomId);
        delete.Run();
    }
}
