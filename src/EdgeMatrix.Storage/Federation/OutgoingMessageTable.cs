namespace EdgeMatrix.Storage.Federation;

/// <param name="Position">The stream position at which it was sent.</param>
/// <param name="Content">Of the <c>m.direct_to_device</c> EDU: a JSON object, UTF-8.</param>
public sealed record OutgoingMessageRow(long Position, byte[] Content);

/// <summary>The <c>outgoing_messages</c> table: messages to devices of users of other servers, until their servers have them.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging</remarks>
public static class OutgoingMessageTable
{
    private const string AddSql = "INSERT INTO outgoing_messages (position, server, content) VALUES (?, ?, ?)";

    private const string BetweenSql = """
        SELECT position, content FROM outgoing_messages WHERE server = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?
        """;

    private const string CountSql = "SELECT count(*) FROM outgoing_messages WHERE server = ? AND position > ?";
    private const string DeleteSql = "DELETE FROM outgoing_messages WHERE server = ? AND position <= ?";

    private const string TrimSql = """
        DELETE FROM outgoing_messages WHERE server = ?1
        AND position <= (SELECT position FROM outgoing_messages WHERE server = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2)
        """;

    /// <param name="position">Taken for this message alone.</param>
    /// <param name="content">The text of a JSON object.</param>
    public static void Add(WriteTransaction db, string server, long position, string content)
    {
        using var insert = db.Prepare(AddSql).Bind(position).Bind(server).Bind(content);
        insert.Run();
    }

    public static List<OutgoingMessageRow> Between(Session db, string server, long after, long upTo, int limit)
    {
        using var query = db.Prepare(BetweenSql).Bind(server).Bind(after).Bind(upTo).Bind(limit);
        var rows = new List<OutgoingMessageRow>();
        while (query.Step())
        {
            rows.Add(new OutgoingMessageRow(query.Int64(0), query.Blob(1).ToArray()));
        }

        return rows;
    }

    public static long Count(Session db, string server, long after)
    {
        using var query = db.Prepare(CountSql).Bind(server).Bind(after);
        return query.Step() ? query.Int64(0) : 0;
    }

    public static void DeleteUpTo(WriteTransaction db, string server, long position)
    {
        using var delete = db.Prepare(DeleteSql).Bind(server).Bind(position);
        delete.Run();
    }

    /// <summary>Deletes what waits for a server, but for the newest.</summary>
    public static void Trim(WriteTransaction db, string server, int keep)
    {
        using var delete = db.Prepare(TrimSql).Bind(server).Bind(keep);
        delete.Run();
    }
}
