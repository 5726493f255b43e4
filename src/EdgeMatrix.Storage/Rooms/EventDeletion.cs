using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Storage.Search;

namespace EdgeMatrix.Storage.Rooms;

/// <param name="Next">Order after which to go on; null if there is no more.</param>
/// <param name="Kept">Messages that stay for now.</param>
/// <param name="Bytes">What the bodies took.</param>
public readonly record struct DeletedMessages(long? Next, int Count, int Kept, long Bytes);

/// <summary>Deletes events, with what hangs on them: their transaction ids, redactions and relations; state nodes that nothing reads then are collected.</summary>
public static class EventDeletion
{
    private const string Columns = "nid, timeline, state_key IS NOT NULL, device, txn_id, length(body)";

    private const string NewestSql = $"""
        SELECT {Columns} FROM events WHERE room = ? AND timeline IS NOT NULL ORDER BY timeline DESC LIMIT ?
        """;

    private const string OutsideSql = $"SELECT {Columns} FROM events WHERE room = ? AND timeline IS NULL LIMIT ?";

    private const string OldestSql = $"""
        SELECT {Columns} FROM events WHERE room = ? AND timeline > ? AND timeline <= ? ORDER BY timeline LIMIT ?
        """;

    private const string PurgedToSql = "UPDATE rooms SET purged_to = ? WHERE nid = ?";

    // A redaction goes after what it emptied.
    private const string IsNeededSql = "SELECT 1 FROM redactions WHERE redaction = ?";

    /// <summary>About what an event takes besides its body, its place in the indexes included. Also told by triggers of the schema.</summary>
    public const int BytesBesideBody = 100;

    private static readonly string[] _eventSql = ["DELETE FROM redactions WHERE event = ?", "DELETE FROM events WHERE nid = ?"];

    private static readonly string[] _transactionSql =
    [
        "DELETE FROM transactions_even WHERE device = ? AND txn_id = ? AND event = ?",
        "DELETE FROM transactions_odd WHERE device = ? AND txn_id = ? AND event = ?",
    ];

    /// <summary>
    /// Deletes the newest events of a room, and when its timeline is empty those outside of it.
    /// </summary>
    /// <returns>How many there were; fewer than asked for when no event is left.</returns>
    public static int DeleteNewest(WriteTransaction db, long room, int limit)
    {
        var rows = Read(db.Prepare(NewestSql).Bind(room).Bind(limit));
        if (rows.Count < limit)
        {
            rows.AddRange(Read(db.Prepare(OutsideSql).Bind(room).Bind(limit - rows.Count)));
        }

        foreach (var row in rows)
        {
            Delete(db, row);
        }

        return rows.Count;
    }

    /// <summary>
    /// Deletes the oldest messages of a room. State events stay, for what memberships and states were is told by them; so do the forward
    /// extremities, on which the next event is built, and redactions of what is still there. Receipts at what is gone are nothing to anybody, and
    /// go afterwards: <see cref="UnreadableReceipts"/>.
    /// </summary>
    /// <param name="after">Order of the event after which to begin; null: where everything before is deleted already.</param>
    /// <param name="upTo">Order of the last event that may go.</param>
    /// <param name="mayDelete">Tells of a message whether it may go; null: all may.</param>
    /// <param name="limit">How many events are looked at.</param>
    public static DeletedMessages DeleteOldMessages(
        WriteTransaction db, RoomRow room, long? after, long upTo, Func<StoredEvent, bool>? mayDelete, int limit)
    {
        var version = RoomVersions.Find(room.Version);
        var done = room.PurgedTo ?? long.MinValue;
        var rows = Read(db.Prepare(OldestSql).Bind(room.Nid).Bind(after ?? done).Bind(upTo).Bind(limit));
        var kept = after is not null && after > done ? 1 : 0;
        var (count, bytes, keptHere) = (0, 0L, 0);
        var notifications = new RoomNotifications(db, room.Nid);
        foreach (var row in rows)
        {
            if (!row.IsState && !IsNeeded(db, row.Nid))
            {
                if (!room.Extremities.Contains(row.Nid) && row.Timeline != room.LastEvent && mayDelete?.Invoke(EventTable.Find(db, row.Nid)!) != false)
                {
                    Unrelate(db, room, version, row);
                    Delete(db, row);
                    notifications.Deleted(row.Nid);
                    count++;
                    bytes += row.Bytes;
                }
                else
                {
                    keptHere++;
                }
            }

            // Where something stays that may go later, the next time begins.
            done = kept + keptHere == 0 ? row.Timeline!.Value : done;
        }

        notifications.Save();
        if (done != (room.PurgedTo ?? long.MinValue))
        {
            using var update = db.Prepare(PurgedToSql).Bind(done).Bind(room.Nid);
            update.Run();
        }

        return new DeletedMessages(rows.Count == limit ? rows[^1].Timeline : null, count, keptHere, bytes);
    }

    private static bool IsNeeded(Session db, long redaction)
    {
        using var query = db.Prepare(IsNeededSql).Bind(redaction);
        return query.Step();
    }

    private static void Unrelate(WriteTransaction db, RoomRow room, RoomVersion? version, Row row)
    {
        if (version is not null && EventRelation.Of(EventTable.Find(db, row.Nid)!.Parse(version)) is { } relation)
        {
            RelationTable.Remove(db, room.Nid, row.Timeline!.Value, relation);
        }
    }

    private static void Delete(WriteTransaction db, Row row)
    {
        SearchTable.Remove(db, row.Nid);
        if (row is { Device: { } device, TransactionId: { } transaction })
        {
            foreach (var sql in _transactionSql)
            {
                using var delete = db.Prepare(sql).Bind(device).Bind(transaction).Bind(row.Nid);
                delete.Run();
            }
        }

        RunAll(db, _eventSql, row.Nid);
    }

    private static void RunAll(WriteTransaction db, string[] statements, long nid)
    {
        foreach (var sql in statements)
        {
            using var delete = db.Prepare(sql).Bind(nid);
            delete.Run();
        }
    }

    private static List<Row> Read(Statement query)
    {
        using (query)
        {
            var rows = new List<Row>();
            while (query.Step())
            {
                rows.Add(new Row(
                    query.Int64(0), query.Int64OrNull(1), query.Int64(2) != 0, query.Int64OrNull(3), query.TextOrNull(4), query.Int64(5)));
            }

            return rows;
        }
    }

    private readonly record struct Row(long Nid, long? Timeline, bool IsState, long? Device, string? TransactionId, long Bytes);
}
