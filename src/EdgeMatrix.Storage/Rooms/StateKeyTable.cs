namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>state_keys</c> table: an integer for every pair of event type and state key that a room's state maps.</summary>
public static class StateKeyTable
{
    private const string FindSql = """
        SELECT k.nid FROM state_keys k JOIN event_types t ON t.nid = k.type WHERE t.type = ? AND k.state_key = ?
        """;

    private const string FindByTypeSql = "SELECT nid FROM state_keys WHERE type = ? AND state_key = ?";
    private const string InsertSql = "INSERT INTO state_keys (type, state_key) VALUES (?, ?)";

    public static long? Find(Session db, string type, string stateKey)
    {
        using var query = db.Prepare(FindSql).Bind(type).Bind(stateKey);
        return query.Step() ? query.Int64(0) : null;
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
