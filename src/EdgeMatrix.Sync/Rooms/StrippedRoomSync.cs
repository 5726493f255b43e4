using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>A room that the user is invited to or knocked on: enough of its state to say what it is.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#stripped-state</remarks>
internal static class StrippedRoomSync
{
    /// <summary>Writes the room, or nothing if the invite is of somebody whom the user ignores, or the user wants no invites.</summary>
    public static bool Write(SyncRound round, Utf8JsonWriter json, RoomNews news)
    {
        var (room, row, own) = news;
        if (EventTable.Find(round.Db, own.Event) is not { } member)
        {
            return false;
        }

        // Servers must not send room invites from ignored users to clients.
        var sender = SyncRound.Parse(room, member).Sender;
        if (own.Membership == Membership.Invite && (round.Ignored.Contains(sender) || InvitePermission.Blocks(round.Db, round.Request.User)))
        {
            return false;
        }

        // Whoever was never in the room sees what erased users set up there as everybody who comes later does.
        var erased = !round.Engine.Erasures.IsNone;
        var visibility = erased ? new RoomVisibility(round.Db, round.Engine, room, row, round.Request.User, round.Request.UserId) : null;
        var output = new EventOutput(round, room, visibility, json);
        json.WriteStartObject(room.Id);
        json.WriteStartObject(own.Membership == Membership.Invite ? "invite_state"u8 : "knock_state"u8);
        json.WritePropertyName("events"u8);
        output.WriteStripped(StrippedState.Of(round.Db, row, member, sender, round.Request.UserId));
        json.WriteEndObject();
        json.WriteEndObject();
        return true;
    }
}
