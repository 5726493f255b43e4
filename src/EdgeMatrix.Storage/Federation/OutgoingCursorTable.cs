namespace EdgeMatrix.Storage.Federation;

/// <summary>How far a server has what it is to be told.</summary>
/// <param name="Position">Everything up to this stream position; 0: nothing yet.</param>
/// <param name="SuccessTs">When it last took something, ms since the Unix epoch; null: never.</param>
public readonly record struct OutgoingCursor(long Position, long? SuccessTs);

/// <summary>The <c>outgoing_cursors</c> table: of each other server, up to where it has acknowledged what it is to be told.</summary>
public static class OutgoingCursorTable
{
    private const string FindSql = "SELECT position, success_ts FROM outgoing_cursors WHERE server = ?";

    private const string SetSql = """
        INSERT INTO outgoing_cursors (server, position, success_ts) VALUES (?, ?, ?)
        ON CONFLICT (server) DO UPDATE SET position = excluded.position, success_ts = excluded.success_ts
        """;

    public static OutgoingCursor Find(Session db, string server)
    {
        using var query = db.Prepare(FindSql).Bind(server);
        return query.Step() ? new OutgoingCursor(query.Int64(0), query.Int64OrNull(1)) : default;
    }

    /// <summary>Moves the cursor, and deletes what was kept for the server alone up to it.</summary>
    public static void Set(WriteTransaction db, string server, OutgoingCursor cursor)
    {
        using var upsert = db.Prepare(SetSql).Bind(server).Bind(cursor.Position).Bind(cursor.SuccessTs);
        upsert.Run();
        OutgoingEventTable.DeleteStrangers(db, server, cursor.Position);
        OutgoingMessageTable.DeleteUpTo(db, server, cursor.Position);
    }
}
