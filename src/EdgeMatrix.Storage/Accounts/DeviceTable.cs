using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Storage.Accounts;

/// <param name="Nid">Never used again once the device is deleted.</param>
/// <param name="LastSeenTs">ms since the Unix epoch, a minute coarse.</param>
public sealed record DeviceRow(long Nid, string DeviceId, string? DisplayName, long? LastSeenTs, string? LastSeenIp, string? UserAgent);

/// <summary>The <c>devices</c> table: what local users are logged in with.</summary>
public static class DeviceTable
{
    private const string Columns = "nid, device_id, display_name, last_seen_ts, last_seen_ip, user_agent";
    private const string FindSql = $"SELECT {Columns} FROM devices WHERE user = ? AND device_id = ?";
    private const string OfUserSql = $"SELECT {Columns} FROM devices WHERE user = ? ORDER BY nid";
    private const string OwnerSql = "SELECT d.user, u.user_id, d.device_id FROM devices d JOIN users u ON u.nid = d.user WHERE d.nid = ?";
    private const string InsertSql = "INSERT INTO devices (user, device_id, display_name) VALUES (?, ?, ?)";
    private const string RenameSql = "UPDATE devices SET display_name = ? WHERE nid = ?";
    private const string SeenSql = 
        "UPDATE devices SET last_seen_ts = ?, last_seen_ip = coalesce(?, last_seen_ip), user_agent = coalesce(?, user_agent) WHERE nid = ?";

    private const int MaxUserAgent = 200;
    private const string DeleteSignaturesSql =
        "DELETE FROM key_signatures WHERE (target_user, target) = (SELECT user, device_id FROM devices WHERE nid = ?)";

    private const string DeleteDehydratedSql = "DELETE FROM dehydrated_devices WHERE device = ?";
    private const string DeleteMessagesSql = "DELETE FROM to_device_messages WHERE device = ?";
    private const string DeleteSql = "DELETE FROM devices WHERE nid = ?";

    public static DeviceRow? Find(Session db, long user, string deviceId)
    {
        using var query = db.Prepare(FindSql).Bind(user).Bind(deviceId);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>The devices of a user, in the order they came.</summary>
    public static List<DeviceRow> OfUser(Session db, long user)
    {
        using var query = db.Prepare(OfUserSql).Bind(user);
        var devices = new List<DeviceRow>();
        while (query.Step())
        {
            devices.Add(Read(query));
        }

        return devices;
    }

    /// <summary>Whose device it is, and what it is called there; null if there is none.</summary>
    public static (long User, string UserId, string DeviceId)? Owner(Session db, long device)
    {
        using var query = db.Prepare(OwnerSql).Bind(device);
        return query.Step() ? (query.Int64(0), query.Text(1), query.Text(2)) : null;
    }

    /// <summary>Adds a device; returns its nid.</summary>
    public static long Insert(WriteTransaction db, long user, string deviceId, string? displayName)
    {
        using var insert = db.Prepare(InsertSql).Bind(user).Bind(deviceId).Bind(displayName);
        insert.Run();
        return db.LastInsertRowId;
    }

    public static void Rename(WriteTransaction db, long device, string? displayName)
    {
        using var update = db.Prepare(RenameSql).Bind(displayName).Bind(device);
        update.Run();
    }

    /// <param name="ip">Null where the transport has none: what was known stays.</param>
    public static void Seen(WriteTransaction db, long device, long ts, string? ip, string? userAgent)
    {
        using var update = db.Prepare(SeenSql).Bind(ts).Bind(ip).Bind(userAgent is { Length: > MaxUserAgent } ? userAgent[..MaxUserAgent] : userAgent).Bind(device);
        update.Run();
    }

    /// <summary>Deletes the device and all that was kept for it: its tokens, its pushers, its keys, and messages for it.</summary>
    /// <returns>Whether it had identity keys, which others may know.</returns>
    public static bool Delete(WriteTransaction db, long device)
    {
        TokenTable.DeleteOfDevice(db, device);
        PusherTable.DeleteOfDevice(db, device);
        OneTimeKeyTable.DeleteOfDevice(db, device);
        FallbackKeyTable.DeleteOfDevice(db, device);
        foreach (var sql in (ReadOnlySpan<string>)[DeleteMessagesSql, DeleteSignaturesSql, DeleteDehydratedSql])
        {
            using var kept = db.Prepare(sql).Bind(device);
            kept.Run();
        }

        var hadKeys = DeviceKeyTable.Delete(db, device);
        using var delete = db.Prepare(DeleteSql).Bind(device);
        delete.Run();
        return hadKeys;
    }

    private static DeviceRow Read(Statement query) => new(
        query.Int64(0), query.Text(1), query.TextOrNull(2), query.IsNull(3) ? null : query.Int64(3), query.TextOrNull(4), query.TextOrNull(5));
}
