namespace EdgeMatrix.Storage.Encryption;

/// <param name="User">Nid.</param>
/// <param name="StreamId">How far the list goes, as its server counts; null: it was never given.</param>
/// <param name="IsStale">An update is missing: the list is as it was, until its server is asked for all of it.</param>
/// <param name="MasterKey">A JSON object, UTF-8; null if there is none.</param>
/// <param name="SelfSigningKey">As <paramref name="MasterKey"/>.</param>
public sealed record RemoteDeviceListRow(long User, string Server, long? StreamId, bool IsStale, byte[]? MasterKey, byte[]? SelfSigningKey)
{
    /// <summary>Of a list of which it was not said how far it goes: no update is known to follow it.</summary>
    public const long NoStreamId = -1;

    /// <summary>A list that is yet to be asked for.</summary>
    public static RemoteDeviceListRow Unknown(long user, string server) => new(user, server, null, IsStale: true, null, null);
}

/// <summary>
/// The <c>remote_device_lists</c> and <c>remote_devices</c> tables: devices and cross-signing keys of users of other servers. A list is kept
/// while its user shares a room with a user of this server, for so long does its server tell of changes.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management</remarks>
public static class RemoteDeviceListTable
{
    private const string FindSql = "SELECT server, stream_id, stale, master_key, self_signing_key FROM remote_device_lists WHERE user = ?";

    private const string SetSql = """
        INSERT INTO remote_device_lists (user, server, stream_id, stale, master_key, self_signing_key) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (user) DO UPDATE SET stream_id = excluded.stream_id, stale = excluded.stale,
            master_key = excluded.master_key, self_signing_key = excluded.self_signing_key
        """;

    private const string DropSql = "DELETE FROM remote_device_lists WHERE user = ?";
    private const string DevicesSql = "SELECT device_id, display_name, keys FROM remote_devices WHERE user = ? ORDER BY device_id";
    private const string CountDevicesSql = "SELECT count(*) FROM remote_devices WHERE user = ?";

    private const string SetDeviceSql = """
        INSERT INTO remote_devices (user, device_id, display_name, keys) VALUES (?, ?, ?, ?)
        ON CONFLICT (user, device_id) DO UPDATE SET display_name = excluded.display_name, keys = excluded.keys
        """;

    private const string DeleteDeviceSql = "DELETE FROM remote_devices WHERE user = ? AND device_id = ?";
    private const string DeleteDevicesSql = "DELETE FROM remote_devices WHERE user = ?";

    private const string NextStaleSql = """
        SELECT l.user, u.user_id FROM remote_device_lists l CROSS JOIN users u ON u.nid = l.user
        WHERE l.stale = 1 AND l.server = ? AND l.user > ? ORDER BY l.user LIMIT 1
        """;

    private const string NextStaleServerSql =
        "SELECT server FROM remote_device_lists WHERE stale = 1 AND server > ? ORDER BY server LIMIT 1";

    private static readonly string _sharesRoomSql = $"SELECT {SharesRoom("?1")}";

    // The lists are fewer than the members of a large room.
    private static readonly string _dropUnsharedSql = $"""
        DELETE FROM remote_device_lists WHERE user IN (
            SELECT l.user FROM remote_device_lists l CROSS JOIN memberships m ON m.room = ? AND m.user = l.user)
        AND NOT {SharesRoom("remote_device_lists.user")}
        """;

    /// <returns>Null if nothing is kept of the user's devices.</returns>
    public static RemoteDeviceListRow? Find(Session db, long user)
    {
        using var query = db.Prepare(FindSql).Bind(user);
        return query.Step()
            ? new RemoteDeviceListRow(
                user, query.Text(0), query.Int64OrNull(1), query.Int64(2) != 0, BlobOrNull(query, 3), BlobOrNull(query, 4))
            : null;
    }

    /// <summary>Sets all of the list but its devices.</summary>
    public static void Set(WriteTransaction db, RemoteDeviceListRow list)
    {
        using var upsert = db.Prepare(SetSql)
            .Bind(list.User).Bind(list.Server).Bind(list.StreamId).Bind(list.IsStale)
            .Bind(Text(list.MasterKey)).Bind(Text(list.SelfSigningKey));
        upsert.Run();
    }

    /// <summary>Forgets the list and its devices.</summary>
    public static void Drop(WriteTransaction db, long user)
    {
        using var delete = db.Prepare(DropSql).Bind(user);
        delete.Run();
    }

    /// <summary>Those of the user's devices that have keys, by their ids.</summary>
    public static List<DeviceKeyRow> Devices(Session db, long user)
    {
        using var query = db.Prepare(DevicesSql).Bind(user);
        var rows = new List<DeviceKeyRow>();
        while (query.Step())
        {
            rows.Add(new DeviceKeyRow(query.Text(0), query.TextOrNull(1), query.Blob(2).ToArray()));
        }

        return rows;
    }

    public static long CountDevices(Session db, long user)
    {
        using var query = db.Prepare(CountDevicesSql).Bind(user);
        return query.Step() ? query.Int64(0) : 0;
    }

    public static void SetDevice(WriteTransaction db, long user, DeviceKeyRow device)
    {
        using var upsert = db.Prepare(SetDeviceSql).Bind(user).Bind(device.DeviceId).Bind(device.DisplayName).Bind(Text(device.Keys));
        upsert.Run();
    }

    public static void DeleteDevice(WriteTransaction db, long user, string deviceId)
    {
        using var delete = db.Prepare(DeleteDeviceSql).Bind(user).Bind(deviceId);
        delete.Run();
    }

    public static void DeleteDevices(WriteTransaction db, long user)
    {
        using var delete = db.Prepare(DeleteDevicesSql).Bind(user);
        delete.Run();
    }

    /// <summary>The next user of a server whose list is stale, by nid; null after the last.</summary>
    /// <param name="after">Nid.</param>
    public static (long User, string UserId)? NextStale(Session db, string server, long after)
    {
        using var query = db.Prepare(NextStaleSql).Bind(server).Bind(after);
        return query.Step() ? (query.Int64(0), query.Text(1)) : null;
    }

    /// <summary>The next server of which a list is stale, by name; null after the last.</summary>
    public static string? NextStaleServer(Session db, string after)
    {
        using var query = db.Prepare(NextStaleServerSql).Bind(after);
        return query.Step() ? query.Text(0) : null;
    }

    /// <summary>Whether the user is in a room in which a user of this server is.</summary>
    public static bool IsShared(Session db, long user)
    {
        using var query = db.Prepare(_sharesRoomSql).Bind(user);
        return query.Step() && query.Int64(0) != 0;
    }

    /// <summary>Forgets the lists of those who were in a room, and share none any longer.</summary>
    public static void DropUnshared(WriteTransaction db, long room)
    {
        using var delete = db.Prepare(_dropUnsharedSql).Bind(room);
        delete.Run();
    }

    private static byte[]? BlobOrNull(Statement row, int column) => row.IsNull(column) ? null : row.Blob(column).ToArray();

    private static string? Text(byte[]? json) => json is null ? null : System.Text.Encoding.UTF8.GetString(json);

    /// <param name="user">What stands for the nid of the user in the statement.</param>
    private static string SharesRoom(string user) => $"""
        EXISTS (SELECT 1 FROM memberships o WHERE o.user = {user} AND o.membership = 1 AND EXISTS (
            SELECT 1 FROM accounts a CROSS JOIN memberships m ON m.room = o.room AND m.user = a.user AND m.membership = 1))
        """;
}
