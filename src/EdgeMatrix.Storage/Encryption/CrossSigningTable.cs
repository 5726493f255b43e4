namespace EdgeMatrix.Storage.Encryption;

/// <param name="Usage"><c>master</c>, <c>self_signing</c> or <c>user_signing</c>.</param>
/// <param name="PublicKey">In unpadded Base64.</param>
/// <param name="Key">A JSON object, UTF-8.</param>
public sealed record CrossSigningRow(string Usage, string PublicKey, byte[] Key);

/// <summary>The <c>cross_signing_keys</c> table: the keys of users that sign other keys.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#cross-signing</remarks>
public static class CrossSigningTable
{
    private const string OfUserSql = "SELECT usage, public_key, key FROM cross_signing_keys WHERE user = ?";
    private const string DeleteSql = "DELETE FROM cross_signing_keys WHERE user = ? AND usage = ?";

    private const string SetSql = """
        INSERT INTO cross_signing_keys (user, usage, public_key, key) VALUES (?, ?, ?, ?)
        ON CONFLICT (user, usage) DO UPDATE SET public_key = excluded.public_key, key = excluded.key
        """;

    /// <summary>The keys of a user, three at most.</summary>
    public static List<CrossSigningRow> OfUser(Session db, long user)
    {
        using var query = db.Prepare(OfUserSql).Bind(user);
        var rows = new List<CrossSigningRow>();
        while (query.Step())
        {
            rows.Add(new CrossSigningRow(query.Text(0), query.Text(1), query.Blob(2).ToArray()));
        }

        return rows;
    }

    /// <param name="key">The text of a JSON object.</param>
    public static void Set(WriteTransaction db, long user, string usage, string publicKey, string key)
    {
        using var upsert = db.Prepare(SetSql).Bind(user).Bind(usage).Bind(publicKey).Bind(key);
        upsert.Run();
    }

    public static void Delete(WriteTransaction db, long user, string usage)
    {
        using var delete = db.Prepare(DeleteSql).Bind(user).Bind(usage);
        delete.Run();
    }
}
