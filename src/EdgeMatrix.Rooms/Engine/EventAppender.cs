using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Purging;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Storage.Search;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>What a write made of a room.</summary>
/// <param name="Position">The stream position of the last event.</param>
/// <param name="LocalMemberships">Users of this server whose membership changed.</param>
/// <param name="Redacted">Ids of events that became their redacted form.</param>
internal sealed record AppendedEvents(long Position, List<(long User, Membership Membership)> LocalMemberships, List<string> Redacted)
{
    /// <summary>Whether guests may be in the room was set anew, or redacted.</summary>
    public bool GuestAccessChanged { get; set; }

    /// <summary>What the room is called was set anew, or redacted.</summary>
    public bool NameChanged { get; set; }
}

/// <summary>An event that was just written to the end of a room's timeline.</summary>
/// <param name="State">The node of the room's state after it.</param>
/// <param name="IsMove">It made somebody's membership another.</param>
/// <param name="Redacted">Nid of the event that it emptied; null if it emptied none.</param>
/// <param name="IsOutgoing">The other servers in the room are to hear of it from this one.</param>
/// <param name="Order">Of the timeline.</param>
public sealed record AppendedEvent(Room Room, Pdu Pdu, long Nid, long State, bool IsMove, long? Redacted, bool IsOutgoing, long Order);

/// <summary>Where an event stands.</summary>
/// <param name="Order">Of the timeline.</param>
/// <param name="State">The node of the state after the event; where branches met, of the room's state.</param>
internal readonly record struct Place(long Nid, long Order, long State);

/// <summary>The room to be created is there already.</summary>
internal sealed class RoomTakenException : Exception;

/// <summary>The alias of the room to be created is taken.</summary>
internal sealed class AliasTakenException : Exception;

/// <summary>The room cannot be entered by what another server told of it.</summary>
internal sealed class RoomRefusedException(string reason) : Exception(reason);

/// <summary>The events that the new ones were built on were not stored.</summary>
internal sealed class ParentsLostException() : Exception("the events that this one was built on were not stored");

/// <summary>Writes authorised events, one upon the other, to the end of a room: the last step before the disk.</summary>
internal sealed class EventAppender(LocalServer server, TimeProvider time, SelfDestruction selfDestruction, Action<WriteTransaction, AppendedEvent>? appended)
{
    private const long SecondsPerDay = 86_400;

    public AppendedEvents Append(
        WriteTransaction db, Room room, IReadOnlyList<Pdu> events, TransactionId? transaction, Func<WriteTransaction, long, bool>? alongside,
        bool forgetOnLeave)
    {
        var row = RoomTable.Find(db, room.Id);
        if (alongside is not null && row is not null)
        {
            throw new RoomTakenException();
        }

        room.Nid = row?.Nid ?? RoomTable.Insert(db, room.Id, room.Version.Id);
        var parents = FindParents(db, row, events[0]);

        // Before the events, so that whoever they concern by the alias of the room hears of them all.
        if (alongside is not null && !alongside(db, room.Nid))
        {
            throw new AliasTakenException();
        }

        var result = new AppendedEvents(0, [], []);
        var state = row?.State ?? StateNodes.Empty;
        long nid = 0;
        foreach (var pdu in events)
        {
            nid = db.NextPosition();
            state = AppendOne(db, room, pdu, nid, state, pdu == events[^1] ? transaction : null, result);
        }

        RoomTable.MoveHead(db, room.Nid, state, [.. (row?.Extremities ?? []).Except(parents), nid], nid);
        if (result.NameChanged || row is null)
        {
            RoomNames.Note(db, RoomTable.Find(db, room.Nid)!);
        }

        if (forgetOnLeave)
        {
            Forget(db, room, result);
        }

        if (transaction is not null)
        {
            var day = time.GetUtcNow().ToUnixTimeSeconds() / SecondsPerDay;
            TransactionTable.Insert(db, transaction.Device, transaction.Endpoint, transaction.TxnId, nid, day);
        }

        return result with { Position = nid };
    }

    // Events of this server are built on the forward extremities; if those never reached the disk, neither may these.
    private static long[] FindParents(WriteTransaction db, RoomRow? row, Pdu first)
    {
        var extremities = row?.Extremities ?? [];
        long[] parents = [.. first.PrevEvents.Select(id => EventTable.FindNid(db, id)).OfType<long>().Where(extremities.Contains)];
        return parents.Length == first.PrevEvents.Count && (parents.Length > 0 || extremities.Length == 0) ? parents : throw new ParentsLostException();
    }

    private long AppendOne(
        WriteTransaction db, Room room, Pdu pdu, long nid, long state, TransactionId? transaction, AppendedEvents result)
    {
        var type = EventTypeTable.Intern(db, pdu.Type);
        long? stateKey = null;
        long? replaces = null;
        if (pdu.StateKey is not null)
        {
            stateKey = StateKeyTable.Intern(db, type, pdu.StateKey);
            replaces = StateNodes.Find(db, state, stateKey.Value);
            state = StateNodes.Append(db, state, [new StateEntry(stateKey.Value, nid)]);
        }

        var row = new NewEvent(
            room.Nid, nid, pdu.EventId, type, stateKey, UserTable.Intern(db, pdu.Sender), EventFlags.None, state, replaces,
            transaction?.Device, transaction?.TxnId);
        EventTable.Insert(db, nid, row, pdu.Json.Span);
        var moved = pdu is { Type: "m.room.member", StateKey: { } user } && SetMembership(db, room, user, Memberships.Of(pdu), nid, nid, result);
        Follow(db, room, pdu, new Place(nid, nid, state), moved, outgoing: pdu.Type != BranchUpkeep.DummyType, result);
        return state;
    }

    /// <summary>Writes what an event brings with it once it has its place in the timeline and the room's state.</summary>
    /// <param name="moved">It made somebody's membership another.</param>
    /// <param name="outgoing">The other servers in the room are to hear of it from this one.</param>
    internal void Follow(WriteTransaction db, Room room, Pdu pdu, Place place, bool moved, bool outgoing, AppendedEvents result)
    {
        var redacted = Relate(db, room, pdu, place, result);
        appended?.Invoke(db, new AppendedEvent(room, pdu, place.Nid, place.State, moved, redacted, outgoing, place.Order));
    }

    /// <summary>Writes what an event is to others: a relation, a redaction.</summary>
    /// <returns>Nid of the event that it emptied; null if it emptied none.</returns>
    internal long? Relate(WriteTransaction db, Room room, Pdu pdu, Place place, AppendedEvents result)
    {
        var (nid, order, state) = place;
        if (EventRelation.Of(pdu) is { } relation)
        {
            RelationTable.Add(
                db, room.Nid, order, nid, UserTable.Intern(db, pdu.Sender), EventTypeTable.Intern(db, pdu.Type), relation);
        }

        if (SelfDestruction.DueMs(pdu) is { } due)
        {
            SelfDestructTable.Add(db, due, nid);
            db.AfterCommit(() => selfDestruction.Note(due));
        }

        result.GuestAccessChanged |= pdu is { Type: GuestAccess.Type, StateKey: "" };
        result.NameChanged |= RoomNames.IsOne(pdu);
        return pdu is { Type: "m.room.redaction", Redacts: { } target } ? Redact(db, room, pdu, target, nid, state, result) : null;
    }

    /// <summary>Empties an event by redactions that came before it.</summary>
    internal static void RedactLate(WriteTransaction db, Room room, string eventId, AppendedEvents result)
    {
        foreach (var nid in EarlyRedactionTable.Take(db, room.Nid, eventId))
        {
            if (EventTable.Find(db, nid) is { } redaction)
            {
                Redact(db, room, redaction.Parse(room.Version), eventId, nid, redaction.State, result);
            }
        }
    }

    /// <param name="membership">Null: the room's state has nothing of the user any more.</param>
    /// <param name="nid">Nid of the member event.</param>
    /// <param name="position">Stream position at which it becomes what counts.</param>
    /// <returns>Whether it is another than before.</returns>
    internal bool SetMembership(
        WriteTransaction db, Room room, string userId, Membership? membership, long nid, long position, AppendedEvents result)
    {
        var user = UserTable.Intern(db, userId);
        var before = MembershipTable.Find(db, room.Nid, user)?.Membership;
        if (membership is { } now)
        {
            MembershipTable.Set(db, room.Nid, user, now, nid, position);
        }
        else
        {
            MembershipTable.Delete(db, room.Nid, user);
        }

        if (before != membership)
        {
            var joined = Count(membership, Membership.Join) - Count(before, Membership.Join);
            var invited = Count(membership, Membership.Invite) - Count(before, Membership.Invite);
            if (joined != 0 || invited != 0)
            {
                RoomTable.AddMembers(db, room.Nid, joined, invited);
            }

            if (joined != 0)
            {
                RoomTable.SetLastJoinChange(db, room.Nid, position);
                CountServer(db, room, userId, joined);
            }

            if (joined < 0)
            {
                DropDeviceLists(db, room, userId, user, position);
            }
        }

        if (server.Owns(userId))
        {
            result.LocalMemberships.Add((user, membership ?? Membership.Leave));
            if (membership is null && before == Membership.Join)
            {
                LostMembershipTable.Add(db, user, room.Nid, position);
            }
            else if (before is null)
            {
                LostMembershipTable.Delete(db, user, room.Nid);
            }
        }

        return before != membership;

        static int Count(Membership? actual, Membership wanted) => actual == wanted ? 1 : 0;
    }

    private void CountServer(WriteTransaction db, Room room, string userId, int joined)
    {
        if (server.Owns(userId))
        {
            return;
        }

        var name = userId[(userId.IndexOf(':') + 1)..];
        if (joined > 0)
        {
            RoomServerTable.Joined(db, room.Nid, name);
        }
        else
        {
            RoomServerTable.Left(db, room.Nid, name);
        }
    }

    /// <summary>Other servers tell of devices to those only who share a room: what is known of others is not kept.</summary>
    private void DropDeviceLists(WriteTransaction db, Room room, string userId, long user, long position)
    {
        if (!server.Owns(userId))
        {
            if (!RemoteDeviceListTable.IsShared(db, user))
            {
                RemoteDeviceListTable.Drop(db, user);

                // What the user changes from here on nobody tells: who finds them in a room again cannot go by what they knew.
                DeviceListTable.Set(db, user, position);
            }
        }
        else if (!MembershipTable.AnyJoinedLocal(db, room.Nid))
        {
            RemoteDeviceListTable.DropUnshared(db, room.Nid);
        }
    }

    internal void Forget(WriteTransaction db, Room room, AppendedEvents appended)
    {
        foreach (var (user, membership) in appended.LocalMemberships)
        {
            if (membership is Membership.Leave or Membership.Ban)
            {
                MembershipTable.Forget(db, room.Nid, user);
                PurgedRoomTable.NoteForgotten(db, room.Nid, time.GetUtcNow().ToUnixTimeMilliseconds());
            }
        }
    }

    /// <summary>Empties the redacted event, where the redaction may.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v3/#handling-redactions</remarks>
    /// <returns>Its nid, if it was emptied.</returns>
    private static long? Redact(WriteTransaction db, Room room, Pdu redaction, string target, long nid, long state, AppendedEvents result)
    {
        if (EventTable.Find(db, target) is not { } stored)
        {
            EarlyRedactionTable.Add(db, room.Nid, target, nid);
            return null;
        }

        // In room versions in which ids are chosen an event may name itself.
        if (stored.Room != room.Nid || stored.Nid == nid || stored.Flags.HasFlag(EventFlags.Redacted))
        {
            return null;
        }

        var pdu = stored.Parse(room.Version);
        if (!MayRedact(db, room, redaction, pdu, state))
        {
            return null;
        }

        Empty(db, stored, pdu, nid);
        result.GuestAccessChanged |= pdu is { Type: GuestAccess.Type, StateKey: "" };
        result.NameChanged |= RoomNames.IsOne(pdu);
        result.Redacted.Add(target);
        return stored.Nid;
    }

    /// <summary>Leaves of an event what a redaction leaves.</summary>
    /// <param name="redaction">Nid of the redaction; null: it destroys itself.</param>
    internal static void Empty(WriteTransaction db, StoredEvent stored, Pdu pdu, long? redaction)
    {
        SearchTable.Remove(db, stored.Nid);
        EventTable.Redact(db, stored.Nid, redaction, Redaction.RedactPdu(pdu).Json.Span);
        if (stored.Timeline is { } order && EventRelation.Of(pdu) is { } relation)
        {
            // When a child event is redacted then the relationship is broken.
            RelationTable.Remove(db, stored.Room, order, relation);
        }
    }

    private static bool MayRedact(WriteTransaction db, Room room, Pdu redaction, Pdu target, long state)
    {
        var create = RoomStateReader.Find(db, room.Version, state, "m.room.create", "");
        var powerLevels = PowerLevels.From(room.Version, RoomStateReader.Find(db, room.Version, state, "m.room.power_levels", ""), create!);
        return RedactionAuth.Applies(redaction, target, powerLevels);
    }
}
