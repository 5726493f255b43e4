using System.Text.Json;
using EdgeMatrix.Accounts.Notifications;
using EdgeMatrix.Accounts.PushRules;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Delivery.Push;

/// <summary>An event that a user is to be told of, and what is told with it.</summary>
/// <param name="Nid">Of the event.</param>
/// <param name="State">The node of the room's state after the event.</param>
/// <param name="Actions">Of the push rule that matches.</param>
internal sealed record PushedTo(Room Room, Pdu Pdu, PushedEvent Event, long Nid, long State, JsonElement Actions, string UserId)
{
    /// <summary>Null: the user is to be told nothing of the event any more.</summary>
    /// <param name="user">Nid of the user.</param>
    public static PushedTo? Find(Session db, RoomEngine engine, long user, long nid)
    {
        if (EventTable.Find(db, nid) is not { } stored
            || RoomTable.Find(db, stored.Room) is not { } roomRow
            || engine.Find(db, roomRow) is not { } room
            || UserTable.Name(db, user) is not { } userId)
        {
            return null;
        }

        var pdu = stored.Parse(room.Version);
        var pushed = new PushedEvent(db, room, pdu, stored.State);
        var rules = new PushRuleEvaluator(UserPushRules.Read(db, user, userId), userId);

        // "If no rules match an event, the homeserver MUST NOT notify the Push Gateway for that event": the rules may be others by now.
        return rules.Evaluate(pushed) is { } actions
            && (pdu.StateKey == userId || new RoomVisibility(db, engine, room, roomRow, user, userId).MaySee(stored))
                ? new PushedTo(room, pdu, pushed, nid, stored.State, actions.Actions, userId)
                : null;
    }

    public string? RoomName(Session db) => TextOfState(db, "m.room.name", "name");

    public string? RoomAlias(Session db) => TextOfState(db, "m.room.canonical_alias", "alias");

    // Of a room that this server is not in what is known is what the inviting server told.
    private string? TextOfState(Session db, string type, string field) =>
        ToldStateTable.Find(db, Nid) is { } told
            ? JsonElement.Parse(told).EnumerateArray()
                .Where(stripped => JsonContent.Text(stripped, "type") == type && JsonContent.Text(stripped, "state_key") == "")
                .Select(stripped => stripped.TryGetProperty("content"u8, out var content) ? JsonContent.Text(content, field) : null)
                .FirstOrDefault()
        : RoomStateReader.Find(db, Room.Version, State, type, "") is { } found ? JsonContent.Text(found.Content, field) : null;
}
