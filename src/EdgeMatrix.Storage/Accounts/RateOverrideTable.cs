namespace EdgeMatrix.Storage.Accounts;

/// <summary>How often one user may send, in the place of what holds for all.</summary>
/// <param name="PerSecond">Messages a second in the long run; 0: whatever they do is not counted.</param>
/// <param name="Burst">How many may come at once.</param>
public sealed record RateOverride(long PerSecond, long Burst);

/// <summary>The <c>rate_overrides</c> table: users whose requests administrators have counted otherwise.</summary>
public static class RateOverrideTable
{
    private const string FindSql = "SELECT per_second, burst FROM rate_overrides WHERE user = ?";

    private const string SetSql = """
        INSERT INTO rate_overrides (user, per_second, burst) VALUES (?, ?, ?)
        ON CONFLICT (user) DO UPDATE SET per_second = excluded.per_second, burst = excluded.burst
        """;

    private const string DeleteSql = "DELETE FROM rate_overrides WHERE user = ?";

    public static RateOverride? Find(Session db, long user)
    {
        using var query = db.Prepare(FindSql).Bind(user);
        return query.Step() ? new RateOverride(query.Int64(0), query.Int64(1)) : null;
    }

    public static void Set(WriteTransaction db, long user, RateOverride rate)
    {
        using var upsert = db.Prepare(SetSql).Bind(user).Bind(rate.PerSecond).Bind(rate.Burst);
        upsert.Run();
    }

    public static void Delete(WriteTransaction db, long user)
    {
        using var delete = db.Prepare(DeleteSql).Bind(user);
        delete.Run();
    }
}
