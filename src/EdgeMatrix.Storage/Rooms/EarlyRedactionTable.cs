namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>early_redactions</c> table: redactions whose targets have not come yet.</summary>
/// <remarks>
/// "It is possible to receive a redaction for an event that the server does not yet have": https://spec.matrix.org/v1.19/rooms/v3/#handling-redactions
/// </remarks>
public static class EarlyRedactionTable
{
    private const string InsertSql = "INSERT OR IGNORE INTO early_redactions (room, event_id, redaction) VALUES (?, ?, ?)";
    private const string FindSql = "SELECT redaction FROM early_redactions WHERE room = ? AND event_id = ? ORDER BY redaction";
    private const string DeleteSql = "DELETE FROM early_redactions WHERE room = ? AND event_id = ?";

    /// <param name="redaction">Nid of the redaction.</param>
    public static void Add(WriteTransaction db, long room, string eventId, long redaction)
    {
        using var insert = db.Prepare(InsertSql).Bind(room).Bind(EventIdBytes.Encode(eventId)).Bind(redaction);
        insert.Run();
    }

    /// <summary>Nids of the redactions that waited for the event, the oldest first; they wait no more.</summary>
    public static List<long> Take(WriteTransaction db, long room, string eventId)
    {
        var id = EventIdBytes.Encode(eventId);
        var redactions = new List<long>();
        using (var query = db.Prepare(FindSql).Bind(room).Bind(id))
        {
            while (query.Step())
            {
                redactions.Add(query.Int64(0));
            }
        }

        if (redactions.Count > 0)
        {
            using var delete = db.Prepare(DeleteSql).Bind(room).Bind(id);
            delete.Run();
        }

        return redactions;
    }
}
