namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>event_types</c> table: an integer for every event type seen.</summary>
public static class EventTypeTable
{
    private const string FindSql = "SELECT nid FROM event_types WHERE type = ?";
    private const string InsertSql = "INSERT INTO event_types (type) VALUES (?)";

    public static long? Find(Session db, string type)
    {
        using var query = db.Prepare(FindSql).Bind(type);
        return query.Step() ? query.Int64(0) : null;
    }

    /// <summary>The nid of <paramref name="type"/>, made if it is new.</summary>
    public static long Intern(WriteTransaction db, string type)
    {
        if (Find(db, type) is { } known)
        {
            return known;
        }

        using var insert = db.Prepare(InsertSql).Bind(type);
        insert.Run();
        return db.LastInsertRowId;
    }
}
