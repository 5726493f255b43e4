namespace EdgeMatrix.Storage.Rooms;

/// <summary>Receipts at events that were deleted: nobody is shown them.</summary>
public static class UnreadableReceipts
{
    private const int AtOnce = 256;

    private const string FindSql = """
        SELECT user, type, thread, event FROM receipts r WHERE room = ? AND NOT EXISTS (SELECT 1 FROM events WHERE nid = r.event) LIMIT ?
        """;

    private const string DeleteSql = "DELETE FROM receipts WHERE room = ? AND user = ? AND type = ? AND thread = ? AND event = ?";

    /// <summary>Deletes some of a room: they are looked for beside the writer, which only deletes them.</summary>
    /// <returns>Whether there may be more.</returns>
    public static async Task<bool> DeleteSomeAsync(Database database, long room)
    {
        var found = Find(database, room);
        if (found.Count > 0)
        {
            await database.WriteAsync(db => found.ForEach(receipt => Delete(db, room, receipt)));
        }

        return found.Count == AtOnce;
    }

    private static List<Receipt> Find(Database database, long room)
    {
        using var snapshot = database.OpenSnapshot();
        using var query = snapshot.Prepare(FindSql).Bind(room).Bind(AtOnce);
        var found = new List<Receipt>();
        while (query.Step())
        {
            found.Add(new Receipt(query.Int64(0), query.Int64(1), query.Text(2), query.Int64(3)));
        }

        return found;
    }

    private static void Delete(WriteTransaction db, long room, Receipt receipt)
    {
        using var delete = db.Prepare(DeleteSql).Bind(room).Bind(receipt.User).Bind(receipt.Type).Bind(receipt.Thread).Bind(receipt.Event);
        delete.Run();
    }

    private readonly record struct Receipt(long User, long Type, string Thread, long Event);
}
