using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace EdgeMatrix.Storage.Rooms;

/// <summary>
/// The <c>transactions_even</c> and <c>transactions_odd</c> tables: what a device's transaction ids became. Days take turns, and a day
/// begins with an empty table: an id is known for a day at least, forgotten without being looked for, and needs no index by age.
/// </summary>
/// <remarks>
/// The specification sets no time; a day is what clients are used to.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers
/// </remarks>
public static class TransactionTable
{
    /// <summary>In the place of an event: the transaction made none.</summary>
    public const long NoEvent = 0;

    private const long MaxDaysAhead = 7;

    private const string FindSql = """
        SELECT e.event_id FROM (
            SELECT event FROM transactions_even WHERE device = ?1 AND txn_id = ?2 AND scope = ?3
            UNION ALL
            SELECT event FROM transactions_odd WHERE device = ?1 AND txn_id = ?2 AND scope = ?3) t
        JOIN events e ON e.nid = t.event
        """;

    private const string IsKnownSql = """
        SELECT 1 FROM transactions_even WHERE device = ?1 AND txn_id = ?2 AND scope = ?3
        UNION ALL
        SELECT 1 FROM transactions_odd WHERE device = ?1 AND txn_id = ?2 AND scope = ?3
        """;

    private const string InsertEvenSql = "INSERT INTO transactions_even (device, txn_id, scope, event) VALUES (?, ?, ?, ?)";
    private const string InsertOddSql = "INSERT INTO transactions_odd (device, txn_id, scope, event) VALUES (?, ?, ?, ?)";
    private const string DayOfSql = "SELECT day FROM transaction_days WHERE parity = ?";
    private const string SetDaySql = "INSERT OR REPLACE INTO transaction_days (parity, day) VALUES (?, ?)";

    // Without a condition SQLite drops the pages, and does not read the rows.
    private const string ClearEvenSql = "DELETE FROM transactions_even";
    private const string ClearOddSql = "DELETE FROM transactions_odd";

    /// <summary>The id of the event that the transaction made, or null if it is new.</summary>
    public static string? Find(Session db, long device, string endpoint, string txnId)
    {
        using var query = db.Prepare(FindSql).Bind(device).Bind(txnId).Bind(Scope(endpoint));
        return query.Step() ? EventIdBytes.Decode(query.Blob(0)) : null;
    }

    /// <summary>Whether there was such a transaction, with an event or without.</summary>
    public static bool IsKnown(Session db, long device, string endpoint, string txnId)
    {
        using var query = db.Prepare(IsKnownSql).Bind(device).Bind(txnId).Bind(Scope(endpoint));
        return query.Step();
    }

    /// <param name="day">Whole days since the Unix epoch: what is older than the day before is forgotten.</param>
    public static void Insert(WriteTransaction db, long device, string endpoint, string txnId, long @event, long day)
    {
        var odd = day % 2 != 0;
        BeginDay(db, day, odd);
        using var insert = db.Prepare(odd ? InsertOddSql : InsertEvenSql).Bind(device).Bind(txnId).Bind(Scope(endpoint)).Bind(@event);
        insert.Run();
    }

    private static void BeginDay(WriteTransaction db, long day, bool odd)
    {
        using (var query = db.Prepare(DayOfSql).Bind(odd))
        {
            // A clock that was set back empties nothing, unless it had been far ahead.
            if (query.Step() && query.Int64(0) - day is >= 0 and <= MaxDaysAhead)
            {
                return;
            }
        }

        using var clear = db.Prepare(odd ? ClearOddSql : ClearEvenSql);
        clear.Run();
        using var set = db.Prepare(SetDaySql).Bind(odd).Bind(day);
        set.Run();
    }

    // An endpoint with its room and event type is long, and would be written with every message.
    private static long Scope(string endpoint) =>
        BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(endpoint)));
}
