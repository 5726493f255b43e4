namespace EdgeMatrix.Storage.AppServices;

/// <param name="TxnId">Of the transaction that is not acknowledged; null if there is none.</param>
/// <param name="Body">What that transaction says.</param>
/// <param name="FailingSinceTs">Since when it has not taken what it was sent, ms since the Unix epoch; null while it does.</param>
/// <param name="LastSuccessTs">When it last took something, ms since the Unix epoch; null if it never did.</param>
public sealed record AppServiceRow(long Nid, string Id, string? TxnId, byte[]? Body, long? FailingSinceTs, long? LastSuccessTs);

/// <summary>The <c>appservices</c> table: how far application services have been told what they are to be told.</summary>
public static class AppServiceTable
{
    private const string FindSql = "SELECT nid, id, txn_id, body, failing_since_ts, last_success_ts FROM appservices WHERE nid = ?";
    private const string AllSql = "SELECT nid, id FROM appservices";
    private const string AddSql = "INSERT INTO appservices (id) VALUES (?)";
    private const string SendSql = "UPDATE appservices SET txn_id = ?, body = ? WHERE nid = ?";
    private const string AcknowledgeSql =
        "UPDATE appservices SET txn_id = NULL, body = NULL, failing_since_ts = NULL, last_success_ts = ? WHERE nid = ? AND txn_id = ?";

    private const string FailingSql = "UPDATE appservices SET failing_since_ts = ? WHERE nid = ? AND failing_since_ts IS NULL";

    private static readonly string[] _removeSql =
    [
        "DELETE FROM appservice_queue WHERE appservice = ?",
        "DELETE FROM appservice_rooms WHERE appservice = ?",
        "DELETE FROM appservices WHERE nid = ?",
    ];

    public static AppServiceRow? Find(Session db, long nid)
    {
        using var query = db.Prepare(FindSql).Bind(nid);
        return query.Step()
            ? new AppServiceRow(
                query.Int64(0), query.Text(1), query.TextOrNull(2), query.IsNull(3) ? null : query.Blob(3).ToArray(), query.Int64OrNull(4),
                query.Int64OrNull(5))
            : null;
    }

    /// <summary>The nids of all that were ever configured and not removed since, by their ids.</summary>
    public static Dictionary<string, long> All(Session db)
    {
        using var query = db.Prepare(AllSql);
        var all = new Dictionary<string, long>(StringComparer.Ordinal);
        while (query.Step())
        {
            all.Add(query.Text(1), query.Int64(0));
        }

        return all;
    }

    /// <summary>Adds one; returns its nid, which no other ever has.</summary>
    public static long Add(WriteTransaction db, string id)
    {
        using var insert = db.Prepare(AddSql).Bind(id);
        insert.Run();
        return db.LastInsertRowId;
    }

    /// <summary>Forgets one, with what it was to be told and its directories.</summary>
    public static void Remove(WriteTransaction db, long nid)
    {
        foreach (var sql in _removeSql)
        {
            using var delete = db.Prepare(sql).Bind(nid);
            delete.Run();
        }
    }

    /// <summary>Notes what is to be sent until it is acknowledged.</summary>
    public static void Send(WriteTransaction db, long nid, string txnId, ReadOnlySpan<byte> body)
    {
        using var update = db.Prepare(SendSql).Bind(txnId).Bind(body).Bind(nid);
        update.Run();
    }

    public static void Acknowledge(WriteTransaction db, long nid, string txnId, long ts)
    {
        using var update = db.Prepare(AcknowledgeSql).Bind(ts).Bind(nid).Bind(txnId);
        update.Run();
    }

    /// <summary>It does not take what it is sent; one that was failing already has been since then.</summary>
    public static void Failing(WriteTransaction db, long nid, long ts)
    {
        using var update = db.Prepare(FailingSql).Bind(ts).Bind(nid);
        update.Run();
    }
}
