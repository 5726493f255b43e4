using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>Judges events of other servers by the room, and gives each the place that it gets.</summary>
/// <remarks>
/// Of the checks on receipt these are the fourth to the seventh; the first three need no room. All of it happens in the transaction that
/// writes the event, so that it stands on all that was written to the room before, be it not on the disk yet.
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
/// </remarks>
internal sealed class EventReceiver(EventAppender appender, bool forgetOnLeave)
{
    /// <summary>Enters a room of other servers by a join of this server, or comes back to it.</summary>
    /// <param name="state">The events of the state before the join; of those that were not stored (<see cref="StoreOutliers"/>) none counts.</param>
    /// <returns>Why the room cannot be entered; null if it was.</returns>
    public string? Enter(WriteTransaction db, Room room, Pdu join, IReadOnlyList<Pdu> state, AppendedEvents result, out long position)
    {
        position = 0;
        var entries = new List<StateEntry>();
        if (EventTable.FindNid(db, join.EventId) is not null)
        {
            return "the join is here already";
        }

        if (FindMissing(db, room, join, []).Auth is { Count: > 0 } missing)
        {
            return $"{missing[0]}, by which the join is allowed, did not come with it";
        }

        foreach (var pdu in state)
        {
            if (pdu.StateKey is { } stateKey
                && EventTable.Find(db, pdu.EventId) is { } stored && stored.Room == room.Nid && !stored.Flags.HasFlag(EventFlags.Rejected))
            {
                entries.Add(new StateEntry(StateKeyTable.Intern(db, EventTypeTable.Intern(db, pdu.Type), stateKey), stored.Nid));
            }
        }

        var row = RoomTable.Find(db, room.Nid)!;
        var before = StateNodes.Append(db, StateNodes.Empty, [.. entries]);
        var verdict = Judge(db, room, join, before, before);
        if (verdict.Outcome != ReceiptOutcome.Accepted)
        {
            return verdict.Refusal;
        }

        var nid = position = db.NextPosition();
        var (after, replaces) = StateAfter(db, join, nid, before, ReceiptOutcome.Accepted);
        Insert(db, room, join, nid, nid, EventFlags.None, after, replaces);
        RoomTable.MoveHead(db, room.Nid, after, [nid], nid);
        var moved = Apply(db, room, row.State, after, result).Contains(nid);
        appender.Follow(db, room, join, nid, nid, after, moved, result);
        NoteName(db, room, result);
        return null;
    }

    /// <param name="events">Each after those that it follows.</param>
    public (List<PduReception> Receptions, AppendedEvents Appended) Receive(WriteTransaction db, Room room, IReadOnlyList<Pdu> events)
    {
        var (receptions, result) = (new List<PduReception>(), new AppendedEvents(0, [], []));
        var position = 0L;
        foreach (var pdu in events)
        {
            receptions.Add(Receive(db, room, pdu, result, ref position));
        }

        if (forgetOnLeave)
        {
            appender.Forget(db, room, result);
        }

        return (receptions, result with { Position = position });
    }

    /// <summary>Puts events to the disk that have no place in the timeline: what others are allowed by, or what a state is made of.</summary>
    /// <param name="events">
    /// Each after the events by which it is allowed. One of another room, or of which such an event is neither here nor among these, is passed over.
    /// </param>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#rejection</remarks>
    public static void StoreOutliers(WriteTransaction db, Room room, IEnumerable<Pdu> events)
    {
        foreach (var pdu in events.Where(pdu => pdu.RoomId == room.Id && EventTable.FindNid(db, pdu.EventId) is null))
        {
            if (FindMissing(db, room, pdu, []).Auth.Count > 0)
            {
                continue;
            }

            var verdict = ReceiptChecks.CheckAuthEvents(pdu, id => Cited(db, room, id), id => IsRejected(db, id), Create(db, room));
            var flags = EventFlags.Outlier | (verdict.Allowed ? EventFlags.None : EventFlags.Rejected);
            Insert(db, room, pdu, db.NextPosition(), timeline: null, flags, StateNodes.Empty, replaces: null);
        }
    }

    private PduReception Receive(WriteTransaction db, Room room, Pdu pdu, AppendedEvents result, ref long position)
    {
        if (pdu.RoomId != room.Id)
        {
            return new PduReception(pdu, ReceiptOutcome.Dropped, $"it is of the room {pdu.RoomId}", MissingEvents.None);
        }

        var known = EventTable.Find(db, pdu.EventId);
        if (known is not null && !known.Flags.HasFlag(EventFlags.Outlier))
        {
            return new PduReception(pdu, ReceiptOutcome.Accepted, null, MissingEvents.None);
        }

        var parents = pdu.PrevEvents.Select(id => EventTable.Find(db, id)).OfType<StoredEvent>()
            .Where(parent => parent.Room == room.Nid && !parent.Flags.HasFlag(EventFlags.Outlier)).ToList();
        if (FindMissing(db, room, pdu, parents) is { Any: true } missing)
        {
            return new PduReception(pdu, null, null, missing);
        }

        if (parents.Count == 0)
        {
            return new PduReception(pdu, ReceiptOutcome.Dropped, "it follows no event, and is not the one that a room begins with", MissingEvents.None);
        }

        var row = RoomTable.Find(db, room.Nid)!;
        var before = ResolvedState.Of(db, room, parents.Select(parent => parent.State));
        var verdict = Judge(db, room, pdu, before, row.State);
        var accepted = verdict.Outcome == ReceiptOutcome.Accepted;
        var flags = verdict.Outcome switch
        {
            ReceiptOutcome.Rejected => EventFlags.Rejected,
            ReceiptOutcome.SoftFailed => EventFlags.SoftFailed,
            _ => EventFlags.None,
        };
        var order = db.NextPosition();
        var nid = known?.Nid ?? order;
        var (after, replaces) = StateAfter(db, pdu, nid, before, verdict.Outcome);
        if (known is null)
        {
            Insert(db, room, pdu, nid, accepted ? order : null, flags, after, replaces);
        }
        else
        {
            EventTable.Place(db, nid, accepted ? order : null, flags, after, replaces);
        }

        if (accepted)
        {
            position = order;
            TakeIn(db, room, row, pdu, new Place(nid, order, after), parents, result);
        }

        return new PduReception(pdu, verdict.Outcome, verdict.Refusal, MissingEvents.None);
    }

    /// <summary>Makes an event one of the forward extremities, and the room's state what follows from that.</summary>
    private void TakeIn(
        WriteTransaction db, Room room, RoomRow row, Pdu pdu, Place place, List<StoredEvent> parents, AppendedEvents result)
    {
        long[] extremities = [.. row.Extremities.Where(nid => !parents.Exists(parent => parent.Nid == nid)), place.Nid];
        var current = CurrentState(db, room, row, extremities, place);
        if (current != place.State)
        {
            CurrentStateTable.Insert(db, place.Nid, current);
        }

        RoomTable.MoveHead(db, room.Nid, current, extremities, place.Order);
        var moved = Apply(db, room, row.State, current, result).Contains(place.Nid);
        appender.Follow(db, room, pdu, place.Nid, place.Order, current, moved, result);
        EventAppender.RedactLate(db, room, pdu.EventId, result);
        NoteName(db, room, result);
    }

    /// <summary>"The resolved state across all forward extremities."</summary>
    private static long CurrentState(WriteTransaction db, Room room, RoomRow row, long[] extremities, Place place)
    {
        var before = States(db, row.Extremities);
        var after = States(db, extremities.Where(nid => nid != place.Nid));
        after.Add(place.State);
        return after.SetEquals(before) ? row.State : ResolvedState.Of(db, room, after);
    }

    private static HashSet<long> States(Session db, IEnumerable<long> events) =>
        [.. EventTable.FindMany(db, events).Values.Select(static stored => stored.State)];

    /// <summary>Makes the members of the room what its state says, and notes whether it may be called something else now.</summary>
    /// <returns>Nids of the member events that made a membership another.</returns>
    private HashSet<long> Apply(WriteTransaction db, Room room, long before, long after, AppendedEvents result)
    {
        var moved = new HashSet<long>();
        result.NameChanged |= before == StateNodes.Empty;
        foreach (var change in StateNodes.Difference(db, before, after))
        {
            var key = EventTable.StateKeyOf(db, change.After != 0 ? change.After : change.Before)!.Value;
            result.NameChanged |= RoomNames.IsOne(key);
            result.GuestAccessChanged |= key is (GuestAccess.Type, "");
            if (key is not (EventTypes.Member, var user))
            {
                continue;
            }

            Membership? membership = change.After == 0 ? null : Memberships.Of(EventTable.Find(db, change.After)!.Parse(room.Version));
            if (appender.SetMembership(db, room, user, membership, change.After, result))
            {
                moved.Add(change.After);
            }
        }

        return moved;
    }

    private static void NoteName(WriteTransaction db, Room room, AppendedEvents result)
    {
        if (result.NameChanged)
        {
            RoomNames.Note(db, RoomTable.Find(db, room.Nid)!);
        }
    }

    private static ReceiptVerdict Judge(WriteTransaction db, Room room, Pdu pdu, long before, long current) => ReceiptChecks.CheckInRoom(
        new ReceiptVerdict(pdu, ReceiptOutcome.Accepted, ReceiptCheck.None, null),
        new ReceiptContext
        {
            Cited = id => Cited(db, room, id),
            IsRejected = id => IsRejected(db, id),
            Create = Create(db, room),
            StateBefore = (type, stateKey) => RoomStateReader.Find(db, room.Version, before, type, stateKey),
            CurrentState = (type, stateKey) => RoomStateReader.Find(db, room.Version, current, type, stateKey),
        });

    private static (long State, long? Replaces) StateAfter(WriteTransaction db, Pdu pdu, long nid, long before, ReceiptOutcome outcome)
    {
        if (pdu.StateKey is not { } stateKey)
        {
            return (before, null);
        }

        var key = StateKeyTable.Intern(db, EventTypeTable.Intern(db, pdu.Type), stateKey);
        return outcome == ReceiptOutcome.Rejected
            ? (before, null)
            : (StateNodes.Append(db, before, [new StateEntry(key, nid)]), StateNodes.Find(db, before, key));
    }

    private static MissingEvents FindMissing(Session db, Room room, Pdu pdu, List<StoredEvent> parents) => new(
        [.. pdu.PrevEvents.Where(id => !parents.Exists(parent => parent.EventId == id))],
        [.. pdu.AuthEvents.Where(id => EventTable.FindPlace(db, id) is not { } place || place.Room != room.Nid)]);

    private static Pdu Cited(Session db, Room room, string eventId) => EventTable.Find(db, eventId)!.Parse(room.Version);

    private static bool IsRejected(Session db, string eventId) => EventTable.Find(db, eventId)!.Flags.HasFlag(EventFlags.Rejected);

    private static Pdu? Create(Session db, Room room) =>
        room.Version.CreateEventIsRoomId
        && EventTable.Find(db, string.Concat("$", room.Id.AsSpan(1))) is { } create
        && !create.Flags.HasFlag(EventFlags.Rejected)
            ? create.Parse(room.Version)
            : null;

    private static void Insert(
        WriteTransaction db, Room room, Pdu pdu, long nid, long? timeline, EventFlags flags, long state, long? replaces)
    {
        var type = EventTypeTable.Intern(db, pdu.Type);
        var row = new NewEvent(
            room.Nid, timeline, pdu.EventId, type, pdu.StateKey is { } key ? StateKeyTable.Intern(db, type, key) : null,
            UserTable.Intern(db, pdu.Sender), flags, state, replaces, Device: null, TransactionId: null);
        EventTable.Insert(db, nid, row, pdu.Json.Span);
    }

    /// <param name="Order">Of the timeline.</param>
    /// <param name="State">The node of the state after the event.</param>
    private readonly record struct Place(long Nid, long Order, long State);
}
