namespace EdgeMatrix.Storage.Rooms;

/// <summary>
/// The <c>current_states</c> table: what a room's state became when an event was taken in, where that is not the state after the event. So it
/// is where events stand beside each other: each has the state of its own branch, and the room has the resolution of both.
/// </summary>
public static class CurrentStateTable
{
    private const string InsertSql = "INSERT INTO current_states (event, state) VALUES (?, ?)";
    private const string DeleteSql = "DELETE FROM current_states WHERE event = ?";
    private const string FindSql = "SELECT state FROM current_states WHERE event = ?";

    /// <param name="event">Nid of the event.</param>
    public static void Insert(WriteTransaction db, long @event, long state)
    {
        using var insert = db.Prepare(InsertSql).Bind(@event).Bind(state);
        insert.Run();
    }

    /// <summary>Corrects what the room's state became when an event was taken in.</summary>
    /// <param name="after">The node of the state after the event.</param>
    public static void Set(WriteTransaction db, long @event, long after, long state)
    {
        using (var delete = db.Prepare(DeleteSql).Bind(@event))
        {
            delete.Run();
        }

        if (state != after)
        {
            Insert(db, @event, state);
        }
    }

    /// <summary>The node of the room's current state when the event had come.</summary>
    public static long After(Session db, StoredEvent stored)
    {
        using var query = db.Prepare(FindSql).Bind(stored.Nid);
        return query.Step() ? query.Int64(0) : stored.State;
    }
}
