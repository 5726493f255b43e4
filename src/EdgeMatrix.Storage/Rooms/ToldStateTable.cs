namespace EdgeMatrix.Storage.Rooms;

/// <summary>
/// The <c>told_states</c> table: what other servers told of a room that this server is not in, with an invite or for a knock. A row goes with
/// its event.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#stripped-state</remarks>
public static class ToldStateTable
{
    private const string SetSql = "INSERT INTO told_states (event, state) VALUES (?, ?) ON CONFLICT (event) DO UPDATE SET state = excluded.state";
    private const string FindSql = "SELECT state FROM told_states WHERE event = ?";

    /// <param name="event">Nid of the member event.</param>
    /// <param name="state">A JSON list of stripped state events.</param>
    public static void Set(WriteTransaction db, long @event, ReadOnlySpan<byte> state)
    {
        using var upsert = db.Prepare(SetSql).Bind(@event).Bind(state);
        upsert.Run();
    }

    /// <returns>A JSON list; null if nothing was told with the event.</returns>
    public static byte[]? Find(Session db, long @event)
    {
        using var query = db.Prepare(FindSql).Bind(@event);
        return query.Step() ? query.Blob(0).ToArray() : null;
    }
}
