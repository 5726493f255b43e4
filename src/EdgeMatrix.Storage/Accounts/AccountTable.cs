namespace EdgeMatrix.Storage.Accounts;

/// <param name="Password">An Argon2id PHC string; null where there is no password login.</param>
public sealed record AccountRow(long User, string UserId, string? Password, bool Admin);

/// <summary>The <c>accounts</c> table: the users of this server.</summary>
public static class AccountTable
{
    private const string Columns = "a.user, u.user_id, a.password, a.admin";
    private const string FindSql = $"SELECT {Columns} FROM accounts a JOIN users u ON u.nid = a.user WHERE u.user_id = ?";
    private const string FindByNidSql = $"SELECT {Columns} FROM accounts a JOIN users u ON u.nid = a.user WHERE a.user = ?";
    private const string AllSql = $"SELECT {Columns} FROM accounts a JOIN users u ON u.nid = a.user ORDER BY u.user_id";

    private const string InsertSql = """
        INSERT INTO accounts (user, password, admin, created_ts) VALUES (?, ?, ?, ?) ON CONFLICT (user) DO NOTHING
        """;

    private const string SetPasswordSql = "UPDATE accounts SET password = ? WHERE user = ?";

    public static AccountRow? Find(Session db, string userId)
    {
        using var query = db.Prepare(FindSql).Bind(userId);
        return query.Step() ? Read(query) : null;
    }

    public static AccountRow? Find(Session db, long user)
    {
        using var query = db.Prepare(FindByNidSql).Bind(user);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>Every account, in the order of the user ids.</summary>
    public static List<AccountRow> All(Session db)
    {
        using var query = db.Prepare(AllSql);
        var accounts = new List<AccountRow>();
        while (query.Step())
        {
            accounts.Add(Read(query));
        }

        return accounts;
    }

    /// <summary>Adds an account; returns false, and changes nothing, if the user has one.</summary>
    /// <param name="createdTs">ms since the Unix epoch.</param>
    public static bool TryAdd(WriteTransaction db, long user, string? password, bool admin, long createdTs)
    {
        using var insert = db.Prepare(InsertSql).Bind(user).Bind(password).Bind(admin).Bind(createdTs);
        insert.Run();
        return insert.Changes == 1;
    }

    public static void SetPassword(WriteTransaction db, long user, string password)
    {
        using var update = db.Prepare(SetPasswordSql).Bind(password).Bind(user);
        update.Run();
    }

    private static AccountRow Read(Statement query) =>
        new(query.Int64(0), query.Text(1), query.TextOrNull(2), query.Int64(3) != 0);
}
