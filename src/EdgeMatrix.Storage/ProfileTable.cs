namespace EdgeMatrix.Storage;

/// <summary>The <c>profiles</c> table: the fields of local users' profiles, each a JSON value.</summary>
public static class ProfileTable
{
    private const string GetSql = "SELECT value FROM profiles WHERE user = ? AND field = ?";

    /// <summary>The field as JSON text, or null.</summary>
    public static string? Get(Session db, long user, string field)
    {
        using var query = db.Prepare(GetSql).Bind(user).Bind(field);
        return query.Step() ? query.Text(0) : null;
    }
}
