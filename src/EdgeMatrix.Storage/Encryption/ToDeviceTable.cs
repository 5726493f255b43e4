namespace EdgeMatrix.Storage.Encryption;

/// <param name="Position">The stream position at which it was sent: the order of a device's messages.</param>
/// <param name="Message">A JSON object, UTF-8: <c>content</c>, <c>sender</c> and <c>type</c>.</param>
public sealed record ToDeviceRow(long Position, byte[] Message);

/// <summary>The <c>to_device_messages</c> table: what was sent to a device and it has not said that it has.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging</remarks>
public static class ToDeviceTable
{
    private const int MaxBytesAtOnce = 1 << 20;

    private const string InsertSql = "INSERT INTO to_device_messages (position, device, message) VALUES (?, ?, ?)";

    private const string BetweenSql = """
        SELECT position, message FROM to_device_messages WHERE device = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?
        """;

    private const string TrimSql = """
        DELETE FROM to_device_messages WHERE device = ?1
        AND position <= (SELECT position FROM to_device_messages WHERE device = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2)
        """;

    private const string AnySql = "SELECT 1 FROM to_device_messages WHERE device = ? AND position <= ?";
    private const string AtSql = "SELECT message FROM to_device_messages WHERE position = ? AND device = ?";
    private const string DeleteAtSql = "DELETE FROM to_device_messages WHERE position = ?";
    private const string DeleteSql = "DELETE FROM to_device_messages WHERE device = ? AND position <= ?";

    /// <param name="message">The text of a JSON object.</param>
    /// <param name="position">Taken for this message alone.</param>
    public static void Insert(WriteTransaction db, long device, long position, string message)
    {
        using var insert = db.Prepare(InsertSql).Bind(position).Bind(device).Bind(message);
        insert.Run();
    }

    /// <summary>Messages after one stream position, up to another, in their order: as many as are asked for, but about a megabyte at most.</summary>
    /// <returns>And whether there are more.</returns>
    public static (List<ToDeviceRow> Rows, bool More) Between(Session db, long device, long after, long upTo, int limit)
    {
        using var query = db.Prepare(BetweenSql).Bind(device).Bind(after).Bind(upTo).Bind(limit + 1);
        var rows = new List<ToDeviceRow>();
        var bytes = 0;
        while (query.Step())
        {
            if (rows.Count == limit || bytes >= MaxBytesAtOnce)
            {
                return (rows, true);
            }

            rows.Add(new ToDeviceRow(query.Int64(0), query.Blob(1).ToArray()));
            bytes += rows[^1].Message.Length;
        }

        return (rows, false);
    }

    /// <summary>Deletes what waits for a device, but for the newest.</summary>
    public static void Trim(WriteTransaction db, long device, int keep)
    {
        using var delete = db.Prepare(TrimSql).Bind(device).Bind(keep);
        delete.Run();
    }

    /// <summary>Whether there are messages up to a stream position.</summary>
    public static bool Any(Session db, long device, long upTo)
    {
        using var query = db.Prepare(AnySql).Bind(device).Bind(upTo);
        return query.Step();
    }

    /// <summary>One message; null if it is there no longer.</summary>
    public static byte[]? At(Session db, long device, long position)
    {
        using var query = db.Prepare(AtSql).Bind(position).Bind(device);
        return query.Step() ? query.Blob(0).ToArray() : null;
    }

    /// <summary>Deletes one message.</summary>
    public static void DeleteAt(WriteTransaction db, long position)
    {
        using var delete = db.Prepare(DeleteAtSql).Bind(position);
        delete.Run();
    }

    public static void DeleteUpTo(WriteTransaction db, long device, long position)
    {
        using var delete = db.Prepare(DeleteSql).Bind(device).Bind(position);
        delete.Run();
    }
}
