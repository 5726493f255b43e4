namespace EdgeMatrix.Storage;

/// <summary>The <c>profiles</c> table: the fields of local users' profiles, each a JSON value.</summary>
public static class ProfileTable
{
    private const string GetSql = "SELECT value FROM profiles WHERE user = ? AND field = ?";
    private const string AllSql = "SELECT field, value FROM profiles WHERE user = ? ORDER BY field";

    private const string SetSql = """
        INSERT INTO profiles (user, field, value) VALUES (?, ?, ?) ON CONFLICT (user, field) DO UPDATE SET value = excluded.value
        """;

    private const string DeleteSql = "DELETE FROM profiles WHERE user = ? AND field = ?";

    /// <summary>The field as JSON text, or null.</summary>
    public static string? Get(Session db, long user, string field)
    {
        using var query = db.Prepare(GetSql).Bind(user).Bind(field);
        return query.Step() ? query.Text(0) : null;
    }

    /// <summary>Every field of the user, in the order of their names.</summary>
    public static List<(string Field, string Value)> All(Session db, long user)
    {
        using var query = db.Prepare(AllSql).Bind(user);
        var fields = new List<(string, string)>();
        while (query.Step())
        {
            fields.Add((query.Text(0), query.Text(1)));
        }

        return fields;
    }

    /// <param name="value">JSON text.</param>
    public static void Set(WriteTransaction db, long user, string field, string value)
    {
        using var upsert = db.Prepare(SetSql).Bind(user).Bind(field).Bind(value);
        upsert.Run();
    }

    /// <summary>False if there is no such field.</summary>
    public static bool Delete(WriteTransaction db, long user, string field)
    {
        using var delete = db.Prepare(DeleteSql).Bind(user).Bind(field);
        delete.Run();
        return delete.Changes == 1;
    }
}
