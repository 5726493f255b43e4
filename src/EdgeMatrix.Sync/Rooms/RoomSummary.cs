using System.Text.Json;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>What a client needs to name a room.</summary>
/// <param name="Heroes">User ids of those by whom to name it; null if it has a name of its own.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync_response-200_roomsummary</remarks>
internal sealed record RoomSummary(List<string>? Heroes, int Joined, int Invited)
{
    private const int MaxHeroes = 5;

    /// <param name="state">The node of the state to look for a name in.</param>
    public static RoomSummary Read(SyncRound round, Room room, RoomRow row, long state)
    {
        // Required if the room's m.room.name or m.room.canonical_alias state events are unset or empty.
        var named = HasText(round, room, state, "m.room.name", "name") || HasText(round, room, state, "m.room.canonical_alias", "alias");
        return new RoomSummary(named ? null : FindHeroes(round, room), row.Joined, row.Invited);
    }

    /// <summary>Whether a change of the state may change the summary: of members, who comes and goes, and not what they are called.</summary>
    public static bool DependsOn(SyncRound round, Room room, StateChange change) =>
        (round.IsMemberKey(change.StateKey) && MembershipBy(round, room, change.Before) != MembershipBy(round, room, change.After))
        || DependsOn(round, change.StateKey);

    private static Membership? MembershipBy(SyncRound round, Room room, long @event) =>
        @event != 0 && EventTable.Find(round.Db, @event) is { } stored ? Memberships.Of(SyncRound.Parse(room, stored)) : null;

    private static bool DependsOn(SyncRound round, long stateKey) =>
        stateKey == StateKeyTable.Find(round.Db, "m.room.name", "")
        || stateKey == StateKeyTable.Find(round.Db, "m.room.canonical_alias", "");

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("summary"u8);
        if (Heroes is not null)
        {
            json.WriteStartArray("m.heroes"u8);
            foreach (var hero in Heroes)
            {
                json.WriteStringValue(hero);
            }

            json.WriteEndArray();
        }

        json.WriteNumber("m.joined_member_count"u8, Joined);
        json.WriteNumber("m.invited_member_count"u8, Invited);
        json.WriteEndObject();
    }

    // The first 5 members of the room, ordered by stream ordering, which are joined or invited. The list must never include
    // the client's own user ID. When no joined or invited members are available, the banned and left users.
    private static List<string> FindHeroes(SyncRound round, Room room)
    {
        var heroes = FindHeroes(round, room, Membership.Join, Membership.Invite);
        return heroes.Count > 0 ? heroes : FindHeroes(round, room, Membership.Leave, Membership.Ban);
    }

    private static List<string> FindHeroes(SyncRound round, Room room, Membership one, Membership other)
    {
        var members = MembershipTable.InRoom(round.Db, room.Nid, one, MaxHeroes + 1)
            .Concat(MembershipTable.InRoom(round.Db, room.Nid, other, MaxHeroes + 1))
            .Where(member => member.User != round.Request.User)
            .OrderBy(member => member.Event)
            .Take(MaxHeroes);
        var heroes = new List<string>(MaxHeroes);
        foreach (var member in members)
        {
            if (EventTable.StateKeyOf(round.Db, member.Event) is { } key)
            {
                heroes.Add(key.StateKey);
            }
        }

        return heroes;
    }

    private static bool HasText(SyncRound round, Room room, long state, string type, string property) =>
        RoomStateReader.Find(round.Db, room.Version, state, type, "") is { } pdu
        && !string.IsNullOrEmpty(JsonContent.Text(pdu.Content, property));
}
