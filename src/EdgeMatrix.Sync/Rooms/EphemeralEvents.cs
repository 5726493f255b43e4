using System.Text.Json;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>What happens in a room without becoming an event of it: typing and receipts.</summary>
/// <param name="Typing">Who types, if that changed; null if not.</param>
/// <param name="Receipts">Receipts that moved.</param>
/// <param name="TypingLost">
/// The server was restarted since the client was last told who types. That is no news, but where there is other news of
/// the room, the client is told that nobody does.
/// </param>
internal sealed record EphemeralEvents(List<string>? Typing, List<ReceiptRow> Receipts, bool TypingLost)
{
    public bool Any => Typing is not null || Receipts.Count > 0;

    /// <param name="all">Whether the client has yet to hear of the room at all.</param>
    public static EphemeralEvents Read(SyncRound round, Room room, bool all)
    {
        var filter = round.Filter.Ephemeral;
        if (!filter.MatchesRoom(room.Id))
        {
            return new EphemeralEvents(null, [], false);
        }

        var since = all ? default : round.Since ?? default;
        return new EphemeralEvents(
            filter.Matches("m.typing", null) ? ReadTyping(round, room, since.Typing) : null,
            filter.Matches("m.receipt", null) ? ReadReceipts(round, room, since.Position) : [],
            since.Typing > 0 && since.Typing < round.Typing.StartPosition && filter.Matches("m.typing", null));
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("ephemeral"u8);
        json.WriteStartArray("events"u8);
        if (Typing is not null || TypingLost)
        {
            EphemeralJson.WriteTyping(json, Typing ?? [], roomId: null);
        }

        // Receipts should be batched into one event per room and thread. Within one event a user has one receipt of a kind,
        // so that those of different threads could not share it.
        foreach (var thread in Receipts.GroupBy(receipt => receipt.Thread))
        {
            EphemeralJson.WriteReceipts(json, thread, roomId: null);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static List<string>? ReadTyping(SyncRound round, Room room, long since)
    {
        var users = round.Typing.Since(room.Nid, since);
        if (users is null)
        {
            return null;
        }

        users.RemoveAll(round.Ignored.Contains);
        return users;
    }

    // Servers MUST NOT send the m.read.private receipt to any other user than the one which originally sent it.
    private static List<ReceiptRow> ReadReceipts(SyncRound round, Room room, long since) =>
        [.. ReceiptTable.Since(round.Db, room.Nid, since, round.UpTo.Position)
            .Where(r => r.Type != ReceiptType.ReadPrivate || r.User == round.Request.User)
            .Where(r => !round.Ignored.Contains(r.UserId))];
}
