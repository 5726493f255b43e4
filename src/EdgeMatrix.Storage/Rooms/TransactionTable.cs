namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>transactions</c> table: what a device's transaction ids became.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers</remarks>
public static class TransactionTable
{
    private const string FindSql = """
        SELECT e.event_id FROM transactions t JOIN events e ON e.nid = t.event WHERE t.device = ? AND t.txn_id = ? AND t.endpoint = ?
        """;

    private const string InsertSql = "INSERT INTO transactions (device, endpoint, txn_id, event) VALUES (?, ?, ?, ?)";
    private const string OfEventSql = "SELECT txn_id FROM transactions WHERE event = ? AND device = ?";

    /// <summary>The id of the event that the transaction made, or null if it is new.</summary>
    public static string? Find(Session db, long device, string endpoint, string txnId)
    {
        using var query = db.Prepare(FindSql).Bind(device).Bind(txnId).Bind(endpoint);
        return query.Step() ? EventIdBytes.Decode(query.Blob(0)) : null;
    }

    public static void Insert(WriteTransaction db, long device, string endpoint, string txnId, long @event)
    {
        using var insert = db.Prepare(InsertSql).Bind(device).Bind(endpoint).Bind(txnId).Bind(@event);
        insert.Run();
    }

    /// <summary>The transaction id with which this device sent the event; null if another did.</summary>
    public static string? OfEvent(Session db, long @event, long device)
    {
        using var query = db.Prepare(OfEventSql).Bind(@event).Bind(device);
        return query.Step() ? query.Text(0) : null;
    }
}
