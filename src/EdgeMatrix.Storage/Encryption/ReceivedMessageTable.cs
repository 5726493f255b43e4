namespace EdgeMatrix.Storage.Encryption;

/// <summary>The <c>received_messages</c> table: ids of messages to devices that other servers sent, so that each arrives once.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging</remarks>
public static class ReceivedMessageTable
{
    private const string InsertSql = """
        INSERT INTO received_messages (server, message_id, received_ts) VALUES (?, ?, ?) ON CONFLICT (server, message_id) DO NOTHING
        """;

    private const string TrimSql = """
        DELETE FROM received_messages WHERE server = ?1
        AND nid <= (SELECT nid FROM received_messages WHERE server = ?1 ORDER BY nid DESC LIMIT 1 OFFSET ?2)
        """;

    private const string DeleteOldSql = """
        DELETE FROM received_messages WHERE nid IN (SELECT nid FROM received_messages ORDER BY nid LIMIT ?2) AND received_ts < ?1
        """;

    /// <returns>The nid of the row; null if the message came before.</returns>
    public static long? TryAdd(WriteTransaction db, string server, string messageId, long receivedTs)
    {
        using var insert = db.Prepare(InsertSql).Bind(server).Bind(messageId).Bind(receivedTs);
        insert.Run();
        return insert.Changes > 0 ? db.LastInsertRowId : null;
    }

    /// <summary>Forgets the ids of a server, but for the newest.</summary>
    public static void Trim(WriteTransaction db, string server, int keep)
    {
        using var delete = db.Prepare(TrimSql).Bind(server).Bind(keep);
        delete.Run();
    }

    /// <summary>Forgets the oldest ids, as far as they came before a time, ms since the Unix epoch.</summary>
    /// <returns>How many, <paramref name="limit"/> at most.</returns>
    public static long DeleteOld(WriteTransaction db, long beforeTs, int limit)
    {
        using var delete = db.Prepare(DeleteOldSql).Bind(beforeTs).Bind(limit);
        delete.Run();
        return delete.Changes;
    }
}
