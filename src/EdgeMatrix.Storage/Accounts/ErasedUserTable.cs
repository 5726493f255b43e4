namespace EdgeMatrix.Storage.Accounts;

/// <summary>The <c>erased_users</c> table: who asked, on leaving this server, that later comers see nothing of what they sent.</summary>
public static class ErasedUserTable
{
    private const string AnySql = "SELECT 1 FROM erased_users LIMIT 1";
    private const string FindSql = "SELECT e.position FROM erased_users e JOIN users u ON u.nid = e.user WHERE u.user_id = ?";
    private const string AddSql = "INSERT INTO erased_users (user, position) VALUES (?, ?) ON CONFLICT (user) DO NOTHING";
    private const string RemoveSql = "DELETE FROM erased_users WHERE user = ?";

    public static bool Any(Session db)
    {
        using var query = db.Prepare(AnySql);
        return query.Step();
    }

    /// <summary>The stream position at which the user was erased; null if they were not.</summary>
    public static long? Find(Session db, string userId)
    {
        using var query = db.Prepare(FindSql).Bind(userId);
        return query.Step() ? query.Int64(0) : null;
    }

    public static void Add(WriteTransaction db, long user, long position)
    {
        using var insert = db.Prepare(AddSql).Bind(user).Bind(position);
        insert.Run();
    }

    public static void Remove(WriteTransaction db, long user)
    {
        using var delete = db.Prepare(RemoveSql).Bind(user);
        delete.Run();
    }
}
