namespace EdgeMatrix.Storage;

/// <summary>The <c>settings</c> table: what the server is, chosen at its first start.</summary>
public static class SettingsTable
{
    /// <summary>The key of the server's name.</summary>
    public const string ServerName = "server_name";

    /// <summary>The key of the seed, in hexadecimal digits, of what the server signs with as a policy server.</summary>
    public const string PolicyKey = "policy_key";

    private const string GetSql = "SELECT value FROM settings WHERE key = ?";

    private const string SetSql = """
        INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value
        """;

    public static string? Get(Session db, string key)
    {
        using var query = db.Prepare(GetSql).Bind(key);
        return query.Step() ? query.Text(0) : null;
    }

    public static void Set(WriteTransaction db, string key, string value)
    {
        using var upsert = db.Prepare(SetSql).Bind(key).Bind(value);
        upsert.Run();
    }
}
