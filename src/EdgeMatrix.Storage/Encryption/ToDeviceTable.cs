namespace EdgeMatrix.Storage.Encryption;

/// <param name="Position">The stream position at which it was sent: the order of a device's messages.</param>
/// <param name="Message">A JSON object, UTF-8: <c>content</c>, <c>sender</c> and <c>type</c>.</param>
public sealed record ToDeviceRow(long Position, byte[] Message);

/// <summary>The <c>to_device_messages</c> table: what was sent to a device and it has not said that it has.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging</remarks>
public static class ToDeviceTable
{
    private const string InsertSql = "INSERT INTO to_device_messages (position, device, message) VALUES (?, ?, ?)";

    private const string BetweenSql = """
        SELECT position, message FROM to_device_messages WHERE device = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?
        """;

    private const string AnySql = "SELECT 1 FROM to_device_messages WHERE device = ? AND position <= ?";
    private const string DeleteSql = "DELETE FROM to_device_messages WHERE device = ? AND position <= ?";

    /// <param name="message">The text of a JSON object.</param>
    /// <param name="position">Taken for this message alone.</param>
    public static void Insert(WriteTransaction db, long device, long position, string message)
    {
        using var insert = db.Prepare(InsertSql).Bind(position).Bind(device).Bind(message);
        insert.Run();
    }

    /// <summary>Messages after one stream position, up to another, in their order.</summary>
    public static List<ToDeviceRow> Between(Session db, long device, long after, long upTo, int limit)
    {
        using var query = db.Prepare(BetweenSql).Bind(device).Bind(after).Bind(upTo).Bind(limit);
        var rows = new List<ToDeviceRow>();
        while (query.Step())
        {
            rows.Add(new ToDeviceRow(query.Int64(0), query.Blob(1).ToArray()));
        }

        return rows;
    }

    /// <summary>Whether there are messages up to a stream position.</summary>
    public static bool Any(Session db, long device, long upTo)
    {
        using var query = db.Prepare(AnySql).Bind(device).Bind(upTo);
        return query.Step();
    }

    public static void DeleteUpTo(WriteTransaction db, long device, long position)
    {
        using var delete = db.Prepare(DeleteSql).Bind(device).Bind(position);
        delete.Run();
    }
}
