namespace EdgeMatrix.Storage;

/// <summary>The <c>settings</c> and <c>signing_keys</c> tables: who this server is.</summary>
public static class ServerTable
{
    private const string NameSql = "SELECT value FROM settings WHERE key = 'server_name'";
    private const string SetNameSql = "INSERT INTO settings (key, value) VALUES ('server_name', ?)";
    private const string KeySql = "SELECT key_id, seed FROM signing_keys WHERE expired_ts IS NULL";
    private const string AddKeySql = "INSERT INTO signing_keys (key_id, seed) VALUES (?, ?)";

    /// <summary>The name that user ids and events of this database end in; null before the first start.</summary>
    public static string? Name(Session db)
    {
        using var query = db.Prepare(NameSql);
        return query.Step() ? query.Text(0) : null;
    }

    public static void SetName(WriteTransaction db, string name)
    {
        using var insert = db.Prepare(SetNameSql).Bind(name);
        insert.Run();
    }

    /// <summary>The key that signs: its id and 32-byte seed; null before the first start.</summary>
    public static (string KeyId, byte[] Seed)? SigningKey(Session db)
    {
        using var query = db.Prepare(KeySql);
        return query.Step() ? (query.Text(0), query.Blob(1).ToArray()) : null;
    }

    public static void AddSigningKey(WriteTransaction db, string keyId, ReadOnlySpan<byte> seed)
    {
        using var insert = db.Prepare(AddKeySql).Bind(keyId).Bind(seed);
        insert.Run();
    }
}
