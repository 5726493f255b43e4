using System.Text.Json;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>Rooms that the user was joined to at the last sync, and has nothing to do with any more, though nobody made them leave.</summary>
/// <remarks>
/// Where branches of a room meet, the state of both can be without a join that the one had. No event tells the client; that the room is among those left
/// does, or it would show it for ever.
/// </remarks>
internal static class LostRooms
{
    /// <returns>Whether there were any.</returns>
    public static bool Write(SyncRound round, Utf8JsonWriter json)
    {
        if (round.Since is not { } since)
        {
            return false;
        }

        var any = false;
        foreach (var nid in LostMembershipTable.OfUser(round.Db, round.Request.User, since.Position, round.UpTo.Position))
        {
            if (round.FindRoom(nid) is var (room, _))
            {
                any = true;
                json.WriteStartObject(room.Id);
                json.WriteStartObject("timeline"u8);
                json.WriteStartArray("events"u8);
                json.WriteEndArray();
                json.WriteBoolean("limited"u8, false);
                json.WriteString("prev_batch"u8, TimelineToken.Format(since.Position));
                json.WriteEndObject();
                json.WriteEndObject();
            }
        }

        return any;
    }
}
