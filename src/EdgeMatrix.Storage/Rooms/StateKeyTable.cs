namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>state_keys</c> table: an integer for every pair of event type and state key that a room's state maps.</summary>
public static class StateKeyTable
{
    private const string FindSql = """
        SELECT k.nid FROM state_keys k JOIN event_types t ON t.nid = k.type WHERE t.type = ? AND k.state_key = ?
        """;

    private const string FindByTypeSql = "SELECT nid FROM state_keys WHERE type = ? AND state_key = ?";
    private const string AfterSql = """
        SELECT nid, type = coalesce((SELECT nid FROM event_types WHERE type = 'm.room.member'), 0) FROM state_keys WHERE nid > ? ORDER BY nid
        """;

    private const string SpaceChildrenSql = "SELECT state_key FROM space_children WHERE room = ? ORDER BY state_key";

    private const string IsMemberSql = "SELECT 1 FROM state_keys k JOIN event_types t ON t.nid = k.type WHERE k.nid = ? AND t.type = 'm.room.member'";

    private const string InsertSql = "INSERT INTO state_keys (type, state_key) VALUES (?, ?)";

    public static long? Find(Session db, string type, string stateKey)
    {
        if (db.StateKeys.Find(type, stateKey) is { } known)
        {
            return known;
        }

        using var query = db.Prepare(FindSql).Bind(type).Bind(stateKey);
        if (!query.Step())
        {
            return null;
        }

        var key = query.Int64(0);

        // What a transaction sees may yet be rolled back.
        if (db is Snapshot)
        {
            db.StateKeys.Add(type, stateKey, key);
        }

        return key;
    }

    /// <summary>The keys made after the given one, and whether each is a member's.</summary>
    public static IEnumerable<(long Key, bool IsMember)> After(Session db, long key)
    {
        using var query = db.Prepare(AfterSql).Bind(key);
        while (query.Step())
        {
            yield return (query.Int64(0), query.Int64(1) != 0);
        }
    }

    /// <summary>The keys that <c>m.space.child</c> ever had in a room.</summary>
    public static List<long> SpaceChildren(Session db, long room)
    {
        using var query = db.Prepare(SpaceChildrenSql).Bind(room);
        var keys = new List<long>();
        while (query.Step())
        {
            keys.Add(query.Int64(0));
        }

        return keys;
    }

    public static bool IsMember(Session db, long key)
    {
        using var query = db.Prepare(IsMemberSql).Bind(key);
        return query.Step();
    }

    /// <summary>The nid of the pair, made if it is new.</summary>
    /// <param name="type">The nid of the event type.</param>
    public static long Intern(WriteTransaction db, long type, string stateKey)
    {
        using (var query = db.Prepare(FindByTypeSql).Bind(type).Bind(stateKey))
        {
            if (query.Step())
            {
                return query.Int64(0);
            }
        }

        using var insert = db.Prepare(InsertSql).Bind(type).Bind(stateKey);
        insert.Run();
        return db.LastInsertRowId;
    }
}
