using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Notifications;

namespace EdgeMatrix.Storage.Rooms;

/// <summary>
/// The <c>purged_rooms</c> table: rooms that are gone for everyone, while their rows are deleted a slice at a time. A table that holds
/// rows of rooms or of events has its place here.
/// </summary>
public static class PurgedRoomTable
{
    // The accounts are few, the members may be many.
    private const string WantedSql = """
        SELECT 1 FROM accounts a CROSS JOIN memberships m ON m.room = ? AND m.user = a.user
        WHERE NOT (m.membership IN (4, 5) AND m.forgotten = 1) LIMIT 1
        """;

    private const string LocalUsersSql = "SELECT a.user FROM accounts a CROSS JOIN memberships m ON m.room = ? AND m.user = a.user";

    private const string ForgottenSql = """
        SELECT room_id FROM rooms WHERE forgotten_ts IS NOT NULL AND forgotten_ts <= ? ORDER BY forgotten_ts LIMIT 1
        """;

    private const string SetForgottenSql = "UPDATE rooms SET forgotten_ts = ? WHERE nid = ?";
    private const string InsertSql = "INSERT INTO purged_rooms (nid, room_id) VALUES (?, ?)";

    private const string KeepNidSql = """
        INSERT INTO sequence (name, reserved) VALUES ('room', ?) ON CONFLICT (name) DO UPDATE SET reserved = max(reserved, excluded.reserved)
        """;

    private const string FindSql = "SELECT 1 FROM purged_rooms WHERE room_id = ?";
    private const string FirstSql = "SELECT nid FROM purged_rooms ORDER BY nid LIMIT 1";
    private const string DeleteSql = "DELETE FROM purged_rooms WHERE nid = ?";

    /// <summary>By what a room is known to users of this server.</summary>
    private static readonly string[] _atOnceSql =
    [
        "DELETE FROM rooms WHERE nid = ?",
        "DELETE FROM room_aliases WHERE room = ?",
        "DELETE FROM appservice_rooms WHERE room = ?",
        "DELETE FROM partial_rooms WHERE room = ?",
        "DELETE FROM memberships WHERE room = ? AND user IN (SELECT user FROM accounts)",
        "DELETE FROM account_data WHERE user IN (SELECT user FROM accounts) AND room = ?",
    ];

    private static readonly string[] _inSlicesSql =
    [
        """
        DELETE FROM receipts WHERE room = ?1 AND (user, type, thread) IN (SELECT user, type, thread FROM receipts WHERE room = ?1 LIMIT ?2)
        """,
        "DELETE FROM memberships WHERE room = ?1 AND user IN (SELECT user FROM memberships WHERE room = ?1 LIMIT ?2)",
        "DELETE FROM room_servers WHERE room = ?1 AND server IN (SELECT server FROM room_servers WHERE room = ?1 LIMIT ?2)",
        "DELETE FROM waiting_events WHERE room = ?1 AND event_id IN (SELECT event_id FROM waiting_events WHERE room = ?1 LIMIT ?2)",
        "DELETE FROM backward_extremities WHERE room = ?1 AND event IN (SELECT event FROM backward_extremities WHERE room = ?1 LIMIT ?2)",
        "DELETE FROM outgoing_events WHERE room = ?1 AND position IN (SELECT position FROM outgoing_events WHERE room = ?1 LIMIT ?2)",
        """
        DELETE FROM outgoing_strangers WHERE room = ?1 AND (server, position) IN (
            SELECT server, position FROM outgoing_strangers WHERE room = ?1 LIMIT ?2)
        """,
        "DELETE FROM space_children WHERE room = ?1 AND state_key IN (SELECT state_key FROM space_children WHERE room = ?1 LIMIT ?2)",
        "DELETE FROM notified WHERE room = ?1 AND event IN (SELECT event FROM notified WHERE room = ?1 LIMIT ?2)",
        "DELETE FROM unread WHERE room = ?1 AND thread IN (SELECT thread FROM unread WHERE room = ?1 LIMIT ?2)",
        "DELETE FROM read_to WHERE room = ?1 AND (user, thread) IN (SELECT user, thread FROM read_to WHERE room = ?1 LIMIT ?2)",
        "DELETE FROM threads WHERE room = ?1 AND root IN (SELECT root FROM threads WHERE room = ?1 LIMIT ?2)",
        """
        DELETE FROM relations WHERE room = ?1 AND (parent, rel_type, timeline) IN (
            SELECT parent, rel_type, timeline FROM relations WHERE room = ?1 LIMIT ?2)
        """,
        "DELETE FROM auth_chains WHERE room = ?1 AND first IN (SELECT first FROM auth_chains WHERE room = ?1 LIMIT ?2)",
    ];

    /// <summary>
    /// Notes when the last user of this server has left and forgotten the room. Who comes back or is invited meanwhile is seen when its
    /// time has come: <see cref="IsWanted"/>.
    /// </summary>
    /// <param name="nowMs">ms since the Unix epoch.</param>
    public static void NoteForgotten(WriteTransaction db, long room, long nowMs)
    {
        if (!IsWanted(db, room))
        {
            SetForgotten(db, room, nowMs);
        }
    }

    /// <summary>Whether a user of this server is in the room, may come in, or may read what was while they were.</summary>
    public static bool IsWanted(Session db, long room)
    {
        using var query = db.Prepare(WantedSql).Bind(room);
        return query.Step();
    }

    /// <summary>Nids of the users of this server who have, or had, a part in the room.</summary>
    public static List<long> LocalUsers(Session db, long room)
    {
        using var query = db.Prepare(LocalUsersSql).Bind(room);
        var users = new List<long>();
        while (query.Step())
        {
            users.Add(query.Int64(0));
        }

        return users;
    }

    public static void SetForgotten(WriteTransaction db, long room, long? nowMs)
    {
        using var update = db.Prepare(SetForgottenSql).Bind(nowMs).Bind(room);
        update.Run();
    }

    /// <summary>The id of a room that was forgotten at a time or before; null if there is none.</summary>
    public static string? FirstForgotten(Session db, long untilMs)
    {
        using var query = db.Prepare(ForgottenSql).Bind(untilMs);
        return query.Step() ? query.Text(0) : null;
    }

    /// <summary>Takes a room away from everyone at once; its rows remain to be deleted.</summary>
    public static void Begin(WriteTransaction db, RoomRow room)
    {
        using (var insert = db.Prepare(InsertSql).Bind(room.Nid).Bind(room.RoomId))
        {
            insert.Run();
        }

        using (var keep = db.Prepare(KeepNidSql).Bind(room.Nid))
        {
            keep.Run();
        }

        foreach (var sql in _atOnceSql)
        {
            using var delete = db.Prepare(sql).Bind(room.Nid);
            delete.Run();
        }

        PushQueueTable.DeleteRoom(db, room.Nid);
        RemoteDeviceListTable.DropUnshared(db, room.Nid);
    }

    /// <summary>Whether rows of a room of that id remain to be deleted.</summary>
    public static bool Contains(Session db, string roomId)
    {
        using var query = db.Prepare(FindSql).Bind(roomId);
        return query.Step();
    }

    /// <summary>A room whose rows remain to be deleted, or null.</summary>
    public static long? First(Session db)
    {
        using var query = db.Prepare(FirstSql);
        return query.Step() ? query.Int64(0) : null;
    }

    /// <summary>Deletes some rows of a room, and with the last of them its mark.</summary>
    /// <param name="rows">About how many.</param>
    public static void DeleteSlice(WriteTransaction db, long room, int rows)
    {
        foreach (var sql in _inSlicesSql)
        {
            using var delete = db.Prepare(sql).Bind(room).Bind(rows);
            delete.Run();
            if ((rows -= (int)delete.Changes) <= 0)
            {
                return;
            }
        }

        if ((rows -= EventDeletion.DeleteNewest(db, room, rows)) > 0 && rows > EventFrameTable.Delete(db, room, rows))
        {
            using var delete = db.Prepare(DeleteSql).Bind(room);
            delete.Run();
        }
    }
}
