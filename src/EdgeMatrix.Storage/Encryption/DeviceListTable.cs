namespace EdgeMatrix.Storage.Encryption;

/// <summary>The <c>device_list_changes</c> table: when the devices or keys of a user last changed.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user</remarks>
public static class DeviceListTable
{
    private const string BetweenSql = "SELECT user FROM device_list_changes WHERE position > ? AND position <= ? ORDER BY position";

    private const string LastChangeSql = "SELECT position FROM device_list_changes WHERE user = ?";

    private const string SetSql = """
        INSERT INTO device_list_changes (user, position) VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET position = excluded.position
        """;

    private const string OwnChangeSql = "SELECT own_position FROM device_list_changes WHERE user = ?";

    private const string SetOwnSql = """
        INSERT INTO device_list_changes (user, position, own_position) VALUES (?1, 0, ?2) ON CONFLICT (user) DO UPDATE SET own_position = excluded.own_position
        """;

    /// <summary>The stream position at which what only the user is shown changed last; 0 if it never did.</summary>
    public static long LastOwnChange(Session db, long user)
    {
        using var query = db.Prepare(OwnChangeSql).Bind(user);
        return query.Step() ? query.Int64(0) : 0;
    }

    public static void SetOwn(WriteTransaction db, long user, long position)
    {
        using var upsert = db.Prepare(SetOwnSql).Bind(user).Bind(position);
        upsert.Run();
    }

    /// <summary>The stream position of the last change; 0 if there was none.</summary>
    public static long LastChange(Session db, long user)
    {
        using var query = db.Prepare(LastChangeSql).Bind(user);
        return query.Step() ? query.Int64(0) : 0;
    }

    public static void Set(WriteTransaction db, long user, long position)
    {
        using var upsert = db.Prepare(SetSql).Bind(user).Bind(position);
        upsert.Run();
    }

    /// <summary>Nids of the users whose last change came after one stream position, and not after another.</summary>
    public static List<long> Between(Session db, long after, long upTo)
    {
        using var query = db.Prepare(BetweenSql).Bind(after).Bind(upTo);
        var users = new List<long>();
        while (query.Step())
        {
            users.Add(query.Int64(0));
        }

        return users;
    }
}
