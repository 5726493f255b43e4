namespace EdgeMatrix.Storage.Rooms;

public enum ReceiptType
{
    /// <summary><c>m.read</c></summary>
    Read = 1,

    /// <summary><c>m.read.private</c>: shown to its own user only.</summary>
    ReadPrivate = 2,
}

/// <param name="Thread">Empty for an unthreaded receipt, else <c>main</c> or the id of the thread's root.</param>
/// <param name="Ts">ms since the Unix epoch.</param>
public sealed record ReceiptRow(long User, string UserId, ReceiptType Type, string Thread, string EventId, long Ts);

/// <summary>The <c>receipts</c> table: the newest event each user has read, by kind and thread.</summary>
public static class ReceiptTable
{
    private const string CurrentSql = "SELECT event, ts FROM receipts WHERE room = ? AND user = ? AND type = ? AND thread = ?";

    private const string SetSql = """
        INSERT INTO receipts (room, user, type, thread, event, ts, position) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (room, user, type, thread) DO UPDATE SET event = excluded.event, ts = excluded.ts, position = excluded.position
        """;

    private const string SinceSql = """
        SELECT r.user, u.user_id, r.type, r.thread, e.event_id, r.ts
        FROM receipts r JOIN users u ON u.nid = r.user JOIN events e ON e.nid = r.event
        WHERE r.room = ? AND r.position > ? AND r.position <= ?
        """;

    private const string OfLocalsSql = """
        SELECT r.user, u.user_id, r.type, r.thread, e.event_id, r.ts, r.position
        FROM receipts r JOIN users u ON u.nid = r.user JOIN events e ON e.nid = r.event
        WHERE r.room = ? AND r.position > ? AND r.position <= ? AND r.type = 1 AND EXISTS (SELECT 1 FROM accounts a WHERE a.user = r.user)
        ORDER BY r.position LIMIT ?
        """;

    /// <summary>The nid of the event that the receipt is at, and since when; or null.</summary>
    public static (long Event, long Ts)? Current(Session db, long room, long user, ReceiptType type, string thread)
    {
        using var query = db.Prepare(CurrentSql).Bind(room).Bind(user).Bind((long)type).Bind(thread);
        return query.Step() ? (query.Int64(0), query.Int64(1)) : null;
    }

    public static void Set(
        WriteTransaction db, long room, long user, ReceiptType type, string thread, long @event, long ts, long position)
    {
        using var upsert = db.Prepare(SetSql)
            .Bind(room).Bind(user).Bind((long)type).Bind(thread).Bind(@event).Bind(ts).Bind(position);
        upsert.Run();
    }

    /// <summary>Receipts of a room that changed after one stream position, up to another.</summary>
    public static List<ReceiptRow> Since(Session db, long room, long after, long upTo)
    {
        using var query = db.Prepare(SinceSql).Bind(room).Bind(after).Bind(upTo);
        var rows = new List<ReceiptRow>();
        while (query.Step())
        {
            rows.Add(new ReceiptRow(
                query.Int64(0), query.Text(1), (ReceiptType)query.Int64(2), query.Text(3), EventIdBytes.Decode(query.Blob(4)), query.Int64(5)));
        }

        return rows;
    }

    /// <summary>Public receipts of users of this server that moved after one stream position, up to another, in their order.</summary>
    public static List<(long Position, ReceiptRow Receipt)> OfLocals(Session db, long room, long after, long upTo, int limit)
    {
        using var query = db.Prepare(OfLocalsSql).Bind(room).Bind(after).Bind(upTo).Bind(limit);
        var rows = new List<(long, ReceiptRow)>();
        while (query.Step())
        {
            rows.Add((query.Int64(6), new ReceiptRow(
                query.Int64(0), query.Text(1), (ReceiptType)query.Int64(2), query.Text(3), EventIdBytes.Decode(query.Blob(4)), query.Int64(5))));
        }

        return rows;
    }
}
