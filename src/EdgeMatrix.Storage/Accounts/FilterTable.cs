namespace EdgeMatrix.Storage.Accounts;

/// <summary>The <c>filters</c> table: what clients want to hear of, each kept once a user.</summary>
public static class FilterTable
{
    private const string FindSql = "SELECT filter FROM filters WHERE nid = ? AND user = ?";
    private const string FindSameSql = "SELECT nid FROM filters WHERE user = ? AND filter = ?";
    private const string DeleteOldSql = """
        DELETE FROM filters WHERE user = ?1 AND nid <= (SELECT nid FROM filters WHERE user = ?1 ORDER BY nid DESC LIMIT 1 OFFSET ?2)
        """;

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
    /// <param name="most">How many the user may have: the oldest beyond that go.</param>
    public static long Insert(WriteTransaction db, long user, string filter, int most)
    {
        using (var insert = db.Prepare(InsertSql).Bind(user).Bind(filter))
        {
            insert.Run();
        }

        var nid = db.LastInsertRowId;
        using var delete = db.Prepare(DeleteOldSql).Bind(user).Bind(most);
        delete.Run();
        return nid;
    }
}
