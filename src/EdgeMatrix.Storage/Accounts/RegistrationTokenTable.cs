namespace EdgeMatrix.Storage.Accounts;

/// <param name="UsesAllowed">How many accounts may be made with it; null: any number.</param>
/// <param name="Completed">How many were.</param>
/// <param name="ExpiryTs">ms since the Unix epoch; null: never.</param>
public sealed record RegistrationTokenRow(string Token, long? UsesAllowed, long Completed, long? ExpiryTs);

/// <summary>The <c>registration_tokens</c> table: what lets people make accounts on a server that is not open to all.</summary>
public static class RegistrationTokenTable
{
    private const string Columns = "token, uses_allowed, completed, expiry_ts";
    private const string FindSql = $"SELECT {Columns} FROM registration_tokens WHERE hash = ?";
    private const string AllSql = $"SELECT {Columns} FROM registration_tokens ORDER BY token";
    private const string CountSql = "SELECT count(*) FROM registration_tokens";
    private const string InsertSql =
        "INSERT INTO registration_tokens (hash, token, uses_allowed, expiry_ts) VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING";

    private const string UpdateSql = "UPDATE registration_tokens SET uses_allowed = ?, expiry_ts = ? WHERE hash = ?";
    private const string DeleteSql = "DELETE FROM registration_tokens WHERE hash = ?";
    private const string UseSql = """
        UPDATE registration_tokens SET completed = completed + 1 WHERE hash = ? AND (uses_allowed IS NULL OR completed < uses_allowed)
        """;

    public static RegistrationTokenRow? Find(Session db, ReadOnlySpan<byte> hash)
    {
        using var query = db.Prepare(FindSql).Bind(hash);
        return query.Step() ? Read(query) : null;
    }

    public static List<RegistrationTokenRow> All(Session db)
    {
        using var query = db.Prepare(AllSql);
        var tokens = new List<RegistrationTokenRow>();
        while (query.Step())
        {
            tokens.Add(Read(query));
        }

        return tokens;
    }

    public static long Count(Session db)
    {
        using var query = db.Prepare(CountSql);
        return query.Step() ? query.Int64(0) : 0;
    }

    /// <summary>False, and nothing is changed, if there is such a token.</summary>
    public static bool TryAdd(WriteTransaction db, ReadOnlySpan<byte> hash, RegistrationTokenRow row)
    {
        using var insert = db.Prepare(InsertSql).Bind(hash).Bind(row.Token).Bind(row.UsesAllowed).Bind(row.ExpiryTs);
        insert.Run();
        return insert.Changes == 1;
    }

    public static void Update(WriteTransaction db, ReadOnlySpan<byte> hash, long? usesAllowed, long? expiryTs)
    {
        using var update = db.Prepare(UpdateSql).Bind(usesAllowed).Bind(expiryTs).Bind(hash);
        update.Run();
    }

    /// <summary>False if there is no such token.</summary>
    public static bool Delete(WriteTransaction db, ReadOnlySpan<byte> hash)
    {
        using var delete = db.Prepare(DeleteSql).Bind(hash);
        delete.Run();
        return delete.Changes == 1;
    }

    /// <summary>Counts one more account; false if the token is gone or used up.</summary>
    public static bool TryUse(WriteTransaction db, ReadOnlySpan<byte> hash)
    {
        using var update = db.Prepare(UseSql).Bind(hash);
        update.Run();
        return update.Changes == 1;
    }

    private static RegistrationTokenRow Read(Statement query) => new(
        query.Text(0), query.IsNull(1) ? null : query.Int64(1), query.Int64(2), query.IsNull(3) ? null : query.Int64(3));
}
