using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>What a room's timeline and state bring: the part that joined and left rooms have in common.</summary>
/// <param name="State">State events to send besides the timeline, oldest first.</param>
internal sealed record RoomDelta(Room Room, RoomVisibility Visibility, RoomTimeline Timeline, List<StateEntry> State)
{
    public bool Any => Timeline.Events.Count > 0 || Timeline.Limited || State.Count > 0;

    /// <param name="before">The node of the state that the client knows; null to tell it all of the state.</param>
    /// <param name="end">The node of the state at the end of the timeline.</param>
    /// <param name="heroes">By whom the client is to name the room, and whose member events it needs for that.</param>
    public static RoomDelta Read(
        SyncRound round, Room room, RoomVisibility visibility, RoomTimeline timeline, long? before, long end, IEnumerable<string> heroes)
    {
        HashSet<long>? members = null;
        if (round.Filter.State.LazyLoadMembers)
        {
            // A client that is told all of a room begins anew there; over a gap it keeps whom it knows.
            if (before is null)
            {
                round.LazyMembers.Forget(round.Request.Device, room.Nid);
            }

            members = NeededMembers(round, room, timeline, heroes, withOwn: before is null);
        }

        var state = RoomStateChanges.Collect(round, room, before, timeline, end, members);
        if (before is not null && timeline.Events.Count == 0)
        {
            // What the filter lets through none of is no news of the room.
            state.RemoveAll(entry => FindWanted(round, room, entry.Event) is null);
        }

        return new RoomDelta(room, visibility, timeline, state);
    }

    public void Write(SyncRound round, Utf8JsonWriter json)
    {
        var output = new EventOutput(round, Room, Visibility, json);
        WriteState(round, json, output);
        if (Timeline.Limited)
        {
            // The server should include bundled aggregations when the relevant section has a limited value of true: else
            // the client has the child events.
            output.Bundle(Timeline.Events);
        }

        json.WriteStartObject("timeline"u8);
        json.WriteStartArray("events"u8);
        foreach (var stored in Timeline.Events)
        {
            output.Write(stored, Visibility.MembershipAt(stored) ?? Membership.Leave);
            RememberShown(round, stored);
        }

        json.WriteEndArray();
        json.WriteBoolean("limited"u8, Timeline.Limited);
        json.WriteString("prev_batch"u8, TimelineToken.Format(Timeline.PrevBatch));
        json.WriteEndObject();
    }

    // Servers MUST include the syncing user's own membership event when they join a room, or when the full state of rooms
    // is requested; the membership events for the heroes MUST be included in the state, unless they are redundant.
    private static HashSet<long> NeededMembers(SyncRound round, Room room, RoomTimeline timeline, IEnumerable<string> heroes, bool withOwn)
    {
        var users = timeline.Events.Select(stored => SyncRound.Parse(room, stored).Sender).Concat(heroes);
        var keys = new HashSet<long>();
        foreach (var user in withOwn ? users.Append(round.Request.UserId) : users)
        {
            if (round.MemberKey(user) is { } key)
            {
                keys.Add(key);
            }
        }

        return keys;
    }

    private static StoredEvent? FindWanted(SyncRound round, Room room, long @event) =>
        EventTable.Find(round.Db, @event) is { } stored && round.Filter.State.Matches(SyncRound.Parse(room, stored)) ? stored : null;

    private void WriteState(SyncRound round, Utf8JsonWriter json, EventOutput output)
    {
        json.WriteStartObject(round.Request.StateProperty switch
        {
            StateProperty.StateAfter => "state_after"u8,
            StateProperty.UnstableStateAfter => "org.matrix.msc4222.state_after"u8,
            _ => "state"u8,
        });
        json.WriteStartArray("events"u8);
        foreach (var (key, nid) in State)
        {
            if (FindWanted(round, Room, nid) is not { } stored)
            {
                continue;
            }

            output.Write(stored, membership: null);
            if (round.Filter.State.LazyLoadMembers && round.IsMemberKey(key))
            {
                round.LazyMembers.Remember(round.Request.Device, Room.Nid, key, nid, round.UpTo.Position);
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void RememberShown(SyncRound round, StoredEvent stored)
    {
        // With state_after a client takes nothing from the timeline into its state.
        if (!stored.IsState || !round.Filter.State.LazyLoadMembers || round.Request.StateProperty != StateProperty.State)
        {
            return;
        }

        if (SyncRound.Parse(Room, stored) is { Type: "m.room.member", StateKey: { } user } && round.MemberKey(user) is { } key)
        {
            round.LazyMembers.Remember(round.Request.Device, Room.Nid, key, stored.Nid, round.UpTo.Position);
        }
    }
}
