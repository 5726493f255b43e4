namespace EdgeMatrix.Storage.Encryption;

/// <param name="User">Nid of the user.</param>
/// <param name="DeviceId">Empty: the user's cross-signing keys changed.</param>
/// <param name="Previous">Position of the change of a device of the user before it; 0 if there was none.</param>
public sealed record DeviceChangeRow(long Position, long User, string DeviceId, long Previous);

/// <summary>The <c>device_changes</c> table: which devices of users of this server changed last, and when, for other servers.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management</remarks>
public static class DeviceChangeTable
{
    /// <summary>So many changes of a user are remembered: a server that lacks more asks for the whole list.</summary>
    private const int Most = 200;

    private const string LastSql = """
        SELECT position, device_id, previous FROM device_changes WHERE user = ? AND device_id <> '' ORDER BY position DESC LIMIT 1
        """;

    private const string SetSql = """
        INSERT INTO device_changes (user, device_id, position, previous) VALUES (?, ?, ?, ?)
        ON CONFLICT (user, device_id) DO UPDATE SET position = excluded.position, previous = excluded.previous
        """;

    private const string TrimSql = """
        DELETE FROM device_changes WHERE user = ?1 AND position <= (
            SELECT position FROM device_changes WHERE user = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2)
        """;

    // To users who share a room with anybody of the server.
    private const string BetweenSql = """
        SELECT c.position, c.user, c.device_id, c.previous FROM device_changes c
        WHERE c.position > ?2 AND c.position <= ?3 AND EXISTS (
            SELECT 1 FROM memberships m CROSS JOIN room_servers s ON s.room = m.room AND s.server = ?1 AND s.members > 0 AND s.since < c.position
            WHERE m.user = c.user AND m.membership = 1)
        ORDER BY c.position LIMIT ?4
        """;

    /// <summary>The last change of a device of the user; null if none is remembered.</summary>
    public static DeviceChangeRow? Last(Session db, long user)
    {
        using var query = db.Prepare(LastSql).Bind(user);
        return query.Step() ? new DeviceChangeRow(query.Int64(0), user, query.Text(1), query.Int64(2)) : null;
    }

    public static void Set(WriteTransaction db, DeviceChangeRow row)
    {
        using (var upsert = db.Prepare(SetSql).Bind(row.User).Bind(row.DeviceId).Bind(row.Position).Bind(row.Previous))
        {
            upsert.Run();
        }

        using var trim = db.Prepare(TrimSql).Bind(row.User).Bind(Most);
        trim.Run();
    }

    /// <summary>What a server is to be told of the devices of users with whom it shares a room, in the order of the changes.</summary>
    public static List<DeviceChangeRow> Between(Session db, string server, long after, long upTo, int limit)
    {
        using var query = db.Prepare(BetweenSql).Bind(server).Bind(after).Bind(upTo).Bind(limit);
        var rows = new List<DeviceChangeRow>();
        while (query.Step())
        {
            rows.Add(new DeviceChangeRow(query.Int64(0), query.Int64(1), query.Text(2), query.Int64(3)));
        }

        return rows;
    }
}
