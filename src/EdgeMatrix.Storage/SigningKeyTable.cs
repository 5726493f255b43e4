namespace EdgeMatrix.Storage;

/// <param name="KeyId"><c>ed25519:</c> and the key's version.</param>
/// <param name="Seed">The 32 bytes of the private key.</param>
/// <param name="ExpiredTs">When it stopped signing, ms since the Unix epoch; null for the key that signs.</param>
public sealed record SigningKeyRow(string KeyId, byte[] Seed, long? ExpiredTs);

/// <summary>The <c>signing_keys</c> table: the keys this server signs, and signed, with.</summary>
public static class SigningKeyTable
{
    private const string AllSql = "SELECT key_id, seed, expired_ts FROM signing_keys ORDER BY expired_ts IS NOT NULL, expired_ts DESC";
    private const string InsertSql = "INSERT INTO signing_keys (key_id, seed) VALUES (?, ?)";
    private const string ExpireSql = "UPDATE signing_keys SET expired_ts = ? WHERE key_id = ? AND expired_ts IS NULL";

    /// <summary>All keys, the one that signs first, then the latest expired.</summary>
    public static List<SigningKeyRow> All(Session db)
    {
        using var query = db.Prepare(AllSql);
        var keys = new List<SigningKeyRow>();
        while (query.Step())
        {
            keys.Add(new SigningKeyRow(query.Text(0), query.Blob(1).ToArray(), query.IsNull(2) ? null : query.Int64(2)));
        }

        return keys;
    }

    public static void Insert(WriteTransaction db, string keyId, ReadOnlySpan<byte> seed)
    {
        using var insert = db.Prepare(InsertSql).Bind(keyId).Bind(seed);
        insert.Run();
    }

    /// <param name="expiredTs">ms since the Unix epoch.</param>
    public static void Expire(WriteTransaction db, string keyId, long expiredTs)
    {
        using var update = db.Prepare(ExpireSql).Bind(expiredTs).Bind(keyId);
        update.Run();
    }
}
