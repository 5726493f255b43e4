namespace EdgeMatrix.Storage.Accounts;

/// <param name="DisplayName">JSON text of the profile's field; null if it has none.</param>
public readonly record struct DirectoryRow(long User, string UserId, string? DisplayName);

/// <summary>The accounts that can be found by others: neither given up nor locked, and no guests.</summary>
public static class DirectoryTable
{
    private const string EachSql = """
        SELECT a.user, u.user_id, p.value FROM accounts a JOIN users u ON u.nid = a.user
        LEFT JOIN profiles p ON p.user = a.user AND p.field = 'displayname'
        WHERE a.deactivated_ts IS NULL AND a.locked = 0 AND a.guest = 0
        """;

    private const string ShareRoomSql = """
        SELECT 1 FROM memberships o CROSS JOIN memberships t ON t.room = o.room AND t.user = ?2 AND t.membership = 1
        WHERE o.user = ?1 AND o.membership = 1 LIMIT 1
        """;

    /// <summary>All of them, read as they are asked for.</summary>
    public static IEnumerable<DirectoryRow> Each(Session db)
    {
        using var query = db.Prepare(EachSql);
        while (query.Step())
        {
            yield return new DirectoryRow(query.Int64(0), query.Text(1), query.TextOrNull(2));
        }
    }

    /// <summary>Whether two users are joined to the same room.</summary>
    public static bool ShareRoom(Session db, long one, long other)
    {
        using var query = db.Prepare(ShareRoomSql).Bind(one).Bind(other);
        return query.Step();
    }
}
