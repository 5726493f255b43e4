namespace EdgeMatrix.Storage.Encryption;

/// <param name="Device">Nid of the device.</param>
/// <param name="Data">A JSON object, UTF-8: the device's secrets, encrypted.</param>
public sealed record DehydratedDeviceRow(long Device, string DeviceId, byte[] Data);

/// <summary>The <c>dehydrated_devices</c> table: a device of a user that nobody is logged in with, one at most.</summary>
/// <remarks>MSC3814: https://github.com/matrix-org/matrix-spec-proposals/pull/3814</remarks>
public static class DehydratedDeviceTable
{
    private const string FindSql = """
        SELECT h.device, d.device_id, h.data FROM dehydrated_devices h JOIN devices d ON d.nid = h.device WHERE h.user = ?
        """;

    private const string SetSql = "INSERT OR REPLACE INTO dehydrated_devices (user, device, data) VALUES (?, ?, ?)";

    public static DehydratedDeviceRow? Find(Session db, long user)
    {
        using var query = db.Prepare(FindSql).Bind(user);
        return query.Step() ? new DehydratedDeviceRow(query.Int64(0), query.Text(1), query.Blob(2).ToArray()) : null;
    }

    /// <param name="data">The text of a JSON object.</param>
    public static void Set(WriteTransaction db, long user, long device, string data)
    {
        using var upsert = db.Prepare(SetSql).Bind(user).Bind(device).Bind(data);
        upsert.Run();
    }
}
