namespace EdgeMatrix.Storage.Encryption;

/// <param name="DisplayName">Of the device.</param>
/// <param name="Keys">A JSON object, UTF-8.</param>
public sealed record DeviceKeyRow(string DeviceId, string? DisplayName, byte[] Keys);

/// <summary>The <c>device_keys</c> table: the identity keys of devices.</summary>
public static class DeviceKeyTable
{
    private const string FindSql = "SELECT keys FROM device_keys WHERE device = ?";
    private const string SetSql = "INSERT INTO device_keys (device, keys) VALUES (?, ?) ON CONFLICT (device) DO UPDATE SET keys = excluded.keys";
    private const string DeleteSql = "DELETE FROM device_keys WHERE device = ?";

    private const string OfUserSql = """
        SELECT d.device_id, d.display_name, k.keys FROM devices d JOIN device_keys k ON k.device = d.nid WHERE d.user = ? ORDER BY d.nid
        """;

    private const string OfDeviceSql = """
        SELECT d.device_id, d.display_name, k.keys FROM devices d JOIN device_keys k ON k.device = d.nid WHERE d.user = ? AND d.device_id = ?
        """;

    /// <summary>A JSON object, UTF-8; null if the device has no keys.</summary>
    public static byte[]? Find(Session db, long device)
    {
        using var query = db.Prepare(FindSql).Bind(device);
        return query.Step() ? query.Blob(0).ToArray() : null;
    }

    public static DeviceKeyRow? Find(Session db, long user, string deviceId)
    {
        using var query = db.Prepare(OfDeviceSql).Bind(user).Bind(deviceId);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>Those of all devices of a user that have keys, in the order in which the devices came.</summary>
    public static List<DeviceKeyRow> OfUser(Session db, long user)
    {
        using var query = db.Prepare(OfUserSql).Bind(user);
        var rows = new List<DeviceKeyRow>();
        while (query.Step())
        {
            rows.Add(Read(query));
        }

        return rows;
    }

    /// <param name="keys">The text of a JSON object.</param>
    public static void Set(WriteTransaction db, long device, string keys)
    {
        using var upsert = db.Prepare(SetSql).Bind(device).Bind(keys);
        upsert.Run();
    }

    /// <returns>Whether the device had keys.</returns>
    public static bool Delete(WriteTransaction db, long device)
    {
        using var delete = db.Prepare(DeleteSql).Bind(device);
        delete.Run();
        return delete.Changes > 0;
    }

    private static DeviceKeyRow Read(Statement row) => new(row.Text(0), row.TextOrNull(1), row.Blob(2).ToArray());
}
