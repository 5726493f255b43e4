namespace EdgeMatrix.Storage.Accounts;

/// <summary>What is kept for a user beside the account itself and the devices, to be deleted when the account is given up.</summary>
public static class AccountLeftovers
{
    private static readonly string[] _ofAccountSql =
    [
        "DELETE FROM filters WHERE user = ?",
        "DELETE FROM backed_up_keys WHERE user = ?",
        "UPDATE key_backups SET deleted = 1, auth_data = '{}', keys = 0 WHERE user = ?",
        "DELETE FROM cross_signing_keys WHERE user = ?",
        "DELETE FROM pushers WHERE user = ?",
        "DELETE FROM status_messages WHERE user = ?",
        "DELETE FROM threepids WHERE user = ?",
    ];

    private static readonly string[] _ofErasedSql =
    [
        "DELETE FROM account_data WHERE user = ?",
        "DELETE FROM profiles WHERE user = ?",
        "DELETE FROM receipts WHERE user = ?",
    ];

    /// <summary>Deletes what only the user's clients had use for: filters, key backups, cross-signing keys, pushers; and what the user was found by.</summary>
    /// <remarks>What the user was notified of, and has read, is told of each event with all others, and goes with the events or as it grows old.</remarks>
    public static void Delete(WriteTransaction db, long user) => Run(db, _ofAccountSql, user);

    /// <summary>Deletes what tells of the user and is no event: profile, account data, receipts.</summary>
    public static void Erase(WriteTransaction db, long user) => Run(db, _ofErasedSql, user);

    private static void Run(WriteTransaction db, string[] statements, long user)
    {
        foreach (var sql in statements)
        {
            using var statement = db.Prepare(sql).Bind(user);
            statement.Run();
        }
    }
}
