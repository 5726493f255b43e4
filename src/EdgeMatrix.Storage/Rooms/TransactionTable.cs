using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>transactions</c> table: what a device's transaction ids became.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers</remarks>
public static class TransactionTable
{
    private const string FindSql = """
        SELECT e.event_id FROM transactions t JOIN events e ON e.nid = t.event WHERE t.device = ? AND t.txn_id = ? AND t.scope = ?
        """;

    private const string InsertSql = "INSERT INTO transactions (device, txn_id, scope, event) VALUES (?, ?, ?, ?)";

    /// <summary>The id of the event that the transaction made, or null if it is new.</summary>
    public static string? Find(Session db, long device, string endpoint, string txnId)
    {
        using var query = db.Prepare(FindSql).Bind(device).Bind(txnId).Bind(Scope(endpoint));
        return query.Step() ? EventIdBytes.Decode(query.Blob(0)) : null;
    }

    public static void Insert(WriteTransaction db, long device, string endpoint, string txnId, long @event)
    {
        using var insert = db.Prepare(InsertSql).Bind(device).Bind(txnId).Bind(Scope(endpoint)).Bind(@event);
        insert.Run();
    }

    // An endpoint with its room and event type is long, and would be written with every message.
    private static long Scope(string endpoint) =>
        BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(endpoint)));
}
