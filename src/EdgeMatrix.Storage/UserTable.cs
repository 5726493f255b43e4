namespace EdgeMatrix.Storage;

/// <summary>The <c>users</c> table: an integer for every user seen, local or remote.</summary>
public static class UserTable
{
    private const string FindSql = "SELECT nid FROM users WHERE user_id = ?";
    private const string NameSql = "SELECT user_id FROM users WHERE nid = ?";
    private const string NamesSql = "SELECT u.user_id FROM json_each(?) n CROSS JOIN users u ON u.nid = n.value";
    private const string InsertSql = "INSERT INTO users (user_id) VALUES (?)";

    public static long? Find(Session db, string userId)
    {
        using var query = db.Prepare(FindSql).Bind(userId);
        return query.Step() ? query.Int64(0) : null;
    }

    /// <summary>The user id of a nid, or null.</summary>
    public static string? Name(Session db, long nid)
    {
        using var query = db.Prepare(NameSql).Bind(nid);
        return query.Step() ? query.Text(0) : null;
    }

    /// <summary>The user ids of many nids, in no particular order.</summary>
    public static List<string> Names(Session db, IEnumerable<long> nids)
    {
        using var query = db.Prepare(NamesSql).Bind($"[{string.Join(',', nids)}]");
        var names = new List<string>();
        while (query.Step())
        {
            names.Add(query.Text(0));
        }

        return names;
    }

    /// <summary>The nid of a user, made if it is new.</summary>
    public static long Intern(WriteTransaction db, string userId)
    {
        if (Find(db, userId) is { } known)
        {
            return known;
        }

        using var insert = db.Prepare(InsertSql).Bind(userId);
        insert.Run();
        return db.LastInsertRowId;
    }
}
