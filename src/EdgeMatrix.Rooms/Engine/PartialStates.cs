using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>What is different in a room that this server came into without most of its members, and how it gets to know them.</summary>
/// <remarks>
/// Under all states of such a room lies one node for what is not known (<see cref="StateNodes.BeginUnknown"/>). While it is, a member is what the events
/// say that cite their membership; once it is told, each state is whole, and what came meanwhile is judged again by it.
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid (<c>omit_members</c>); how servers live with what is
/// missing is in MSC3902.
/// </remarks>
internal sealed class PartialStates(EventReceiver receiver, EventAppender appender, LocalServer server)
{
    /// <summary>The state before an event of which nothing is here that it follows, where that is what the join of this server follows too; else null.</summary>
    public static long? StateBefore(WriteTransaction db, Room room, Pdu pdu) =>
        PartialRoomTable.Find(db, room.Nid) is { } partial
        && EventTable.Find(db, partial.Entry) is { } entry
        && entry.Parse(room.Version).PrevEvents.ToHashSet(StringComparer.Ordinal).SetEquals(pdu.PrevEvents)
            ? EventReceiver.StateBefore(db, entry)
            : null;

    /// <summary>Takes the members whom an event cites to be what it says, as far as nothing is known of them.</summary>
    public void Presume(WriteTransaction db, Room room, Pdu pdu)
    {
        if (PartialRoomTable.Find(db, room.Nid) is not { } partial || EventTable.Find(db, partial.Entry) is not { } entry)
        {
            return;
        }

        var presumed = new List<StateEntry>();
        foreach (var id in pdu.AuthEvents)
        {
            if (EventTable.FindStateEntry(db, room.Nid, id) is { } cited
                && EventTable.StateKeyOf(db, cited.Event) is (EventTypes.Member, var user)
                && !server.Owns(user)
                && StateNodes.Find(db, entry.State, cited.StateKey) is null)
            {
                presumed.Add(cited);
            }
        }

        if (presumed.Count > 0)
        {
            presumed = [.. presumed.DistinctBy(cited => cited.StateKey)];
            StateNodes.Tell(db, partial.Unknown, [.. StateNodes.All(db, partial.Unknown), .. presumed], whole: false);
            AddMembers(db, room, presumed);
        }
    }

    /// <summary>Makes members of the users who are nothing in the room yet by what is known of its state.</summary>
    /// <param name="state">Ids of events of the state before this server came in.</param>
    /// <returns>The entries of that state that they are: those of them that are stored, and were not rejected.</returns>
    public List<StateEntry> AddMembers(WriteTransaction db, Room room, IEnumerable<string> state)
    {
        var entries = state.Select(id => EventTable.FindStateEntry(db, room.Nid, id)).OfType<StateEntry>().ToList();
        AddMembers(db, room, entries);
        return entries;
    }

    private void AddMembers(WriteTransaction db, Room room, List<StateEntry> members)
    {
        // A room that is gone has no members.
        if (RoomTable.Find(db, room.Nid)?.State is not { } current)
        {
            return;
        }

        var position = db.NextPosition();
        foreach (var member in members)
        {
            if (EventTable.StateKeyOf(db, member.Event) is (EventTypes.Member, var user)
                && !server.Owns(user)
                && (StateNodes.Find(db, current, member.StateKey) ?? member.Event) == member.Event
                && MembershipTable.Find(db, room.Nid, UserTable.Intern(db, user))?.Event != member.Event)
            {
                var membership = Memberships.Of(EventTable.Find(db, member.Event)!.Parse(room.Version));
                appender.SetMembership(db, room, user, membership, member.Event, position, new AppendedEvents(0, [], []));
            }
        }
    }

    /// <summary>The state before this server came in is known.</summary>
    /// <param name="told">All of it, or what of it could be checked.</param>
    /// <returns>The stream position since which the room is whole; 0 if it was so already.</returns>
    public long Complete(WriteTransaction db, Room room, IReadOnlyCollection<StateEntry> told, AppendedEvents result)
    {
        if (PartialRoomTable.Find(db, room.Nid) is not { } partial || RoomTable.Find(db, room.Nid) is not { } row)
        {
            return 0;
        }

        StateNodes.Tell(db, partial.Unknown, told, whole: true);
        var position = db.NextPosition();
        var (current, extremities) = JudgeAgain(db, room, partial, row);
        RoomTable.MoveHead(db, room.Nid, current, extremities, EventTable.LastTimeline(db, room.Nid) ?? row.LastEvent);
        SetMembers(db, room, current, position, result);
        result.NameChanged = true;
        EventReceiver.NoteName(db, room, result);
        RoomTable.SetLastJoinChange(db, room.Nid, position);
        PartialRoomTable.End(db, partial, position);
        return position;
    }

    /// <summary>Judges what came while members were missing by the states as they are now, which may be others where branches met.</summary>
    /// <returns>The node of the room's state, and the forward extremities.</returns>
    private (long Current, long[] Extremities) JudgeAgain(WriteTransaction db, Room room, PartialRoom partial, RoomRow row)
    {
        var entry = EventTable.Find(db, partial.Entry)!;
        var (current, isOther) = (entry.State, false);
        var extremities = new List<long> { partial.Entry };
        foreach (var (nid, order) in EventTable.NidsForward(db, room.Nid, entry.Timeline ?? entry.Nid, long.MaxValue, int.MaxValue))
        {
            var stored = EventTable.Find(db, nid)!;
            var pdu = stored.Parse(room.Version);
            var parents = EventReceiver.Parents(db, room, pdu);
            var known = EventReceiver.StateBefore(db, stored);
            var before = parents.Count == 0 ? known : Same(db, known, ResolvedState.Of(db, room, parents.Select(parent => parent.State)));
            var outcome = receiver.Judge(db, room, pdu, before, before).Outcome;
            if (outcome != ReceiptOutcome.Accepted)
            {
                Reject(db, room, stored, pdu, before);
                isOther = true;
                continue;
            }

            var state = stored.State;
            if (before != known)
            {
                (state, var replaces) = EventReceiver.StateAfter(db, pdu, nid, before, outcome);
                EventTable.Place(db, nid, order, stored.Flags, state, replaces);
                isOther = true;
            }

            extremities.RemoveAll(extremity => parents.Exists(parent => parent.Nid == extremity));
            extremities.Add(nid);
            if (isOther || extremities.Count > 1)
            {
                current = Same(db, CurrentStateTable.After(db, stored), ResolvedState.Of(db, room, EventReceiver.States(db, extremities)));
                CurrentStateTable.Set(db, nid, state, current);
            }
            else
            {
                current = state;
            }
        }

        return (Same(db, row.State, current), [.. extremities]);
    }

    private static void Reject(WriteTransaction db, Room room, StoredEvent stored, Pdu pdu, long before)
    {
        EventTable.Place(db, stored.Nid, timeline: null, EventFlags.Rejected, before, replaces: null);
        if (EventRelation.Of(pdu) is { } relation)
        {
            RelationTable.Remove(db, room.Nid, stored.Timeline!.Value, relation);
        }
    }

    /// <summary>The node that is there already, where another says the same.</summary>
    private static long Same(Session db, long known, long node) =>
        node != known && StateNodes.Difference(db, known, node).Count == 0 ? known : node;

    /// <summary>Makes the members of the room what its state says, whatever was presumed of them, or left from when this server was in the room before.</summary>
    private void SetMembers(WriteTransaction db, Room room, long state, long position, AppendedEvents result)
    {
        var users = MembershipTable.UsersByEvent(db, room.Nid);
        var missing = new List<long>();
        StateNodes.ForEach(db, state, entry =>
        {
            if (!users.Remove(entry.Event))
            {
                missing.Add(entry.Event);
            }
        });
        foreach (var nid in missing)
        {
            if (EventTable.StateKeyOf(db, nid) is (EventTypes.Member, var user))
            {
                appender.SetMembership(db, room, user, Memberships.Of(EventTable.Find(db, nid)!.Parse(room.Version)), nid, position, result);
            }
        }

        // Of whom something was told from outside of the room, nothing is in its state.
        foreach (var user in users.Values)
        {
            var name = UserTable.Name(db, user)!;
            if (StateKeyTable.Find(db, EventTypes.Member, name) is not { } key || StateNodes.Find(db, state, key) is null)
            {
                appender.SetMembership(db, room, name, membership: null, nid: 0, position, result);
            }
        }
    }
}
