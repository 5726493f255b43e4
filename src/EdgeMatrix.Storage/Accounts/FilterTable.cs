namespace EdgeMatrix.Storage.Accounts;

/// <summary>The <c>filters</c> table: what clients want to hear of, each kept once a user.</summary>
public static class FilterTable
{
    private const string FindSql = "SELECT filter FROM filters WHERE nid = ? AND user = ?";
    private const string FindSameSql = "SELECT nid FROM filters WHERE user = ? AND filter = ?";
    private const string InsertSql = "INSERT INTO filters (user, filter) VALUES (?, ?)";

    /// <summary>The filter as UTF-8 JSON, or null if it is not one of this user's.</summary>
    public static byte[]? Find(Session db, long user, long nid)
    {
        using var query = db.Prepare(FindSql).Bind(nid).Bind(user);
        return query.Step() ? query.Blob(0).ToArray() : null;
    }

    /// <summary>The nid under which the user keeps this very filter, or null.</summary>
    public static long? FindSame(Session db, long user, string filter)
    {
        using var query = db.Prepare(FindSameSql).Bind(user).Bind(filter);
        return query.Step() ? query.Int64(0) : null;
    }

    /// <summary>Adds a filter; returns its nid.</summary>
    public static long Insert(WriteTransaction db, long user, string filter)
    {
        using var insert = db.Prepare(InsertSql).Bind(user).Bind(filter);
        insert.Run();
        return db.LastInsertRowId;
    }
}
