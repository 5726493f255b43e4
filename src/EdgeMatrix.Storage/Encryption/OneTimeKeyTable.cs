using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace EdgeMatrix.Storage.Encryption;

/// <param name="Key">A JSON value, UTF-8.</param>
public sealed record OneTimeKeyRow(string Algorithm, string KeyId, byte[] Key);

/// <summary>
/// The <c>one_time_keys</c> table, and <c>claimed_one_time_keys</c>: keys of devices that are handed out once each, in the order in which
/// they came.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#one-time-and-fallback-keys</remarks>
public static class OneTimeKeyTable
{
    // As many as a client may upload at once, which is what it may repeat.
    private const int RememberedClaims = 1_000;

    private const string FindSql = "SELECT key FROM one_time_keys WHERE device = ? AND algorithm = ? AND key_id = ?";
    private const string InsertSql = "INSERT INTO one_time_keys (device, algorithm, key_id, key) VALUES (?, ?, ?, ?)";
    private const string CountSql = "SELECT algorithm, count(*) FROM one_time_keys WHERE device = ? GROUP BY algorithm";

    private const string FirstSql = """
        SELECT nid, algorithm, key_id, key FROM one_time_keys WHERE device = ? AND algorithm = ? ORDER BY nid LIMIT 1
        """;

    private const string DeleteSql = "DELETE FROM one_time_keys WHERE nid = ?";
    private const string DeleteOfDeviceSql = "DELETE FROM one_time_keys WHERE device = ?";
    private const string RememberSql = "INSERT INTO claimed_one_time_keys (device, hash) VALUES (?, ?)";
    private const string IsClaimedSql = "SELECT 1 FROM claimed_one_time_keys WHERE device = ? AND hash = ?";
    private const string EverySql = "SELECT device, algorithm, key_id, key FROM one_time_keys ORDER BY nid";
    private const string DeleteEverySql = "DELETE FROM one_time_keys";
    private const string ForgetSql = "DELETE FROM claimed_one_time_keys WHERE device = ?";

    private const string ForgetOldSql = """
        DELETE FROM claimed_one_time_keys WHERE device = ?1 AND (SELECT count(*) FROM claimed_one_time_keys WHERE device = ?1) > ?2
        AND nid = (SELECT min(nid) FROM claimed_one_time_keys WHERE device = ?1)
        """;

    /// <summary>A JSON value, UTF-8, or null.</summary>
    public static byte[]? Find(Session db, long device, string algorithm, string keyId)
    {
        using var query = db.Prepare(FindSql).Bind(device).Bind(algorithm).Bind(keyId);
        return query.Step() ? query.Blob(0).ToArray() : null;
    }

    /// <param name="key">The text of a JSON value.</param>
    public static void Insert(WriteTransaction db, long device, string algorithm, string keyId, string key)
    {
        using var insert = db.Prepare(InsertSql).Bind(device).Bind(algorithm).Bind(keyId).Bind(key);
        insert.Run();
    }

    /// <summary>How many unclaimed keys of each algorithm the device has.</summary>
    public static List<(string Algorithm, long Count)> Count(Session db, long device)
    {
        using var query = db.Prepare(CountSql).Bind(device);
        var counts = new List<(string, long)>();
        while (query.Step())
        {
            counts.Add((query.Text(0), query.Int64(1)));
        }

        return counts;
    }

    /// <summary>Takes the key that came first; null if there is none of the algorithm.</summary>
    public static OneTimeKeyRow? Claim(WriteTransaction db, long device, string algorithm)
    {
        long nid;
        OneTimeKeyRow row;
        using (var query = db.Prepare(FirstSql).Bind(device).Bind(algorithm))
        {
            if (!query.Step())
            {
                return null;
            }

            nid = query.Int64(0);
            row = new OneTimeKeyRow(query.Text(1), query.Text(2), query.Blob(3).ToArray());
        }

        using (var delete = db.Prepare(DeleteSql).Bind(nid))
        {
            delete.Run();
        }

        using (var remember = db.Prepare(RememberSql).Bind(device).Bind(Hash(row.Algorithm, row.KeyId, row.Key)))
        {
            remember.Run();
        }

        using var forget = db.Prepare(ForgetOldSql).Bind(device).Bind(RememberedClaims);
        forget.Run();
        return row;
    }

    /// <summary>Whether the device uploaded this very key before, and it was handed out.</summary>
    public static bool WasClaimed(Session db, long device, string algorithm, string keyId, ReadOnlySpan<byte> key)
    {
        using var query = db.Prepare(IsClaimedSql).Bind(device).Bind(Hash(algorithm, keyId, key));
        return query.Step();
    }

    /// <summary>
    /// Drops the keys of all devices as if they had been handed out, which may have happened where this database does not know of it. Each
    /// device learns that it has none, and uploads others.
    /// </summary>
    public static void DropAll(WriteTransaction db)
    {
        using (var every = db.Prepare(EverySql))
        {
            while (every.Step())
            {
                using var remember = db.Prepare(RememberSql).Bind(every.Int64(0)).Bind(Hash(every.Text(1), every.Text(2), every.Blob(3)));
                remember.Run();
            }
        }

        using var delete = db.Prepare(DeleteEverySql);
        delete.Run();
    }

    public static void DeleteOfDevice(WriteTransaction db, long device)
    {
        using (var delete = db.Prepare(DeleteOfDeviceSql).Bind(device))
        {
            delete.Run();
        }

        using var forget = db.Prepare(ForgetSql).Bind(device);
        forget.Run();
    }

    private static long Hash(string algorithm, string keyId, ReadOnlySpan<byte> key) =>
        BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData([.. Encoding.UTF8.GetBytes($"{algorithm}:{keyId}\0"), .. key]));
}
