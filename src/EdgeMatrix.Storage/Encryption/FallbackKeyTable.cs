namespace EdgeMatrix.Storage.Encryption;

/// <summary>The <c>fallback_keys</c> table: one key of each algorithm that a device gives for when its one-time keys are gone.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#one-time-and-fallback-keys</remarks>
public static class FallbackKeyTable
{
    private const string FindSql = "SELECT algorithm, key_id, key FROM fallback_keys WHERE device = ? AND algorithm = ?";
    private const string UnusedSql = "SELECT algorithm FROM fallback_keys WHERE device = ? AND used = 0 ORDER BY algorithm";
    private const string UseSql = "UPDATE fallback_keys SET used = 1 WHERE device = ? AND algorithm = ? AND used = 0";
    private const string UseAllSql = "UPDATE fallback_keys SET used = 1 WHERE used = 0";
    private const string DeleteOfDeviceSql = "DELETE FROM fallback_keys WHERE device = ?";

    // The same key once more stays as used as it was.
    private const string SetSql = """
        INSERT INTO fallback_keys (device, algorithm, key_id, key) VALUES (?, ?, ?, ?)
        ON CONFLICT (device, algorithm) DO UPDATE SET key_id = excluded.key_id, key = excluded.key, used = 0
        WHERE key <> excluded.key OR key_id <> excluded.key_id
        """;

    /// <param name="key">The text of a JSON value.</param>
    public static void Set(WriteTransaction db, long device, string algorithm, string keyId, string key)
    {
        using var upsert = db.Prepare(SetSql).Bind(device).Bind(algorithm).Bind(keyId).Bind(key);
        upsert.Run();
    }

    /// <summary>The algorithms of the keys that nobody was given yet.</summary>
    public static List<string> Unused(Session db, long device)
    {
        using var query = db.Prepare(UnusedSql).Bind(device);
        var algorithms = new List<string>();
        while (query.Step())
        {
            algorithms.Add(query.Text(0));
        }

        return algorithms;
    }

    /// <summary>The key, which counts as used from now on; null if there is none of the algorithm.</summary>
    public static OneTimeKeyRow? Use(WriteTransaction db, long device, string algorithm)
    {
        OneTimeKeyRow row;
        using (var query = db.Prepare(FindSql).Bind(device).Bind(algorithm))
        {
            if (!query.Step())
            {
                return null;
            }

            row = new OneTimeKeyRow(query.Text(0), query.Text(1), query.Blob(2).ToArray());
        }

        using var use = db.Prepare(UseSql).Bind(device).Bind(algorithm);
        use.Run();
        return row;
    }

    /// <summary>Counts all keys as used, so that each device uploads a new one.</summary>
    public static void UseAll(WriteTransaction db)
    {
        using var use = db.Prepare(UseAllSql);
        use.Run();
    }

    public static void DeleteOfDevice(WriteTransaction db, long device)
    {
        using var delete = db.Prepare(DeleteOfDeviceSql).Bind(device);
        delete.Run();
    }
}
