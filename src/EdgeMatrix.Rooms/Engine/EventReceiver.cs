using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>Judges events of other servers by the room, and gives each the place that it gets.</summary>
/// <remarks>
/// Of the checks on receipt these are the fourth to the seventh; the first three need no room. All of it happens in the transaction that
/// writes the event, so that it stands on all that was written to the room before, be it not on the disk yet.
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
/// </remarks>
internal sealed class EventReceiver(EventAppender appender, LocalServer server, TimeProvider time, bool forgetOnLeave)
{
    // A gap with fewer orders has no middle for an event with others around it.
    private const long LeastToSplit = 1_000;

    private PartialStates Partial => new(this, appender, server);

    /// <summary>Enters a room of other servers by a join of this server, or comes back to it.</summary>
    /// <param name="state">The events of the state before the join; of those that were not stored (<see cref="StoreOutliers"/>) none counts.</param>
    /// <param name="servers">Where members are missing from the state: the servers in the room, first who told so. Else null.</param>
    /// <returns>Why the room cannot be entered; null if it was.</returns>
    public string? Enter(
        WriteTransaction db, Room room, Pdu join, IReadOnlyList<Pdu> state, IReadOnlyList<string>? servers, AppendedEvents result, out long position)
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

        // What allows the join is of the state before it, be it among the members that were left out.
        foreach (var id in (servers is null ? [] : join.AuthEvents).Concat(state.Select(pdu => pdu.EventId)))
        {
            if (EventTable.FindStateEntry(db, room.Nid, id) is { } entry)
            {
                entries.Add(entry);
            }
        }

        if (PartialRoomTable.Find(db, room.Nid) is { } earlier)
        {
            PartialRoomTable.End(db, earlier, wholeSince: 0);
        }

        var row = RoomTable.Find(db, room.Nid)!;
        var unknown = servers is null ? StateNodes.Empty : StateNodes.BeginUnknown(db);
        var before = StateNodes.Append(db, unknown, [.. entries]);
        var verdict = Judge(db, room, join, before, before);
        if (verdict.Outcome != ReceiptOutcome.Accepted)
        {
            return verdict.Refusal;
        }

        // What was before is not here, but for what was known before this server was last in the room.
        var low = FindMissing(db, room, join, Parents(db, room, join)).Prev.Count > 0 ? LeaveGap(db, room) : (long?)null;
        var nid = position = db.NextPosition();
        var (after, replaces) = StateAfter(db, join, nid, before, ReceiptOutcome.Accepted);
        Insert(db, room, join, nid, nid, EventFlags.None, after, replaces);
        if (low is { } gap)
        {
            BackwardExtremityTable.Add(db, room.Nid, gap, nid, nid);
        }

        if (servers is not null)
        {
            PartialRoomTable.Begin(db, new PartialRoom(room.Nid, nid, unknown, servers));
        }

        RoomTable.MoveHead(db, room.Nid, after, [nid], nid);
        var moved = Apply(db, room, row.State, after, nid, result, isPartial: servers is not null).Contains(nid);
        SetLocals(db, room, after, nid, result, isPartial: servers is not null);
        appender.Follow(db, room, join, new Place(nid, nid, after), moved, outgoing: false, result);
        NoteName(db, room, result);
        return null;
    }

    /// <summary>
    /// Forgets the events of what users of this server were in the room while the server was not in it: those that count the room has, and each is
    /// to be stored after those by which it is allowed.
    /// </summary>
    public static void RemoveOutside(WriteTransaction db, Room room)
    {
        var notifications = new RoomNotifications(db, room.Nid);
        EventTable.TakeOutside(db, room.Nid).ForEach(nid => notifications.Remove(nid));
        notifications.Save();
    }

    /// <summary>Notes what a user of this server is in a room that the server is not in.</summary>
    /// <param name="told">What the user is shown of the room: a JSON list of stripped state events; null for nothing.</param>
    /// <returns>The stream position; 0 if it was noted before.</returns>
    public long NoteOutside(WriteTransaction db, Room room, Pdu member, byte[]? told, AppendedEvents result)
    {
        if (EventTable.FindNid(db, member.EventId) is not null)
        {
            return 0;
        }

        var nid = db.NextPosition();
        var before = UserTable.Find(db, member.StateKey!) is { } user ? MembershipTable.Find(db, room.Nid, user)?.Event : null;
        Insert(db, room, member, nid, timeline: null, EventFlags.Outlier | EventFlags.Outside, StateNodes.Empty, before);
        if (told is not null)
        {
            ToldStateTable.Set(db, nid, told);
        }

        var moved = appender.SetMembership(db, room, member.StateKey!, Memberships.Of(member), nid, nid, result);
        appender.Follow(db, room, member, new Place(nid, nid, StateNodes.Empty), moved, outgoing: false, result);
        if (forgetOnLeave)
        {
            appender.Forget(db, room, result);
        }

        return nid;
    }

    /// <summary>Makes users of this server what the state has them to be, whatever they were while the server was not in the room.</summary>
    /// <param name="isPartial">What the state does not have of them is not known.</param>
    private void SetLocals(WriteTransaction db, Room room, long state, long position, AppendedEvents result, bool isPartial)
    {
        foreach (var user in PurgedRoomTable.LocalUsers(db, room.Nid))
        {
            var userId = UserTable.Name(db, user)!;
            var key = StateKeyTable.Find(db, EventTypes.Member, userId);
            var nid = key is { } known ? StateNodes.Find(db, state, known) : null;
            if (!(isPartial && nid is null) && MembershipTable.Find(db, room.Nid, user)?.Event != nid)
            {
                Membership? membership = nid is { } member ? Memberships.Of(EventTable.Find(db, member)!.Parse(room.Version)) : null;
                appender.SetMembership(db, room, userId, membership, nid ?? 0, position, result);
            }
        }
    }

    public (List<PduReception> Receptions, AppendedEvents Appended) Receive(WriteTransaction db, Room room, PduBatch received)
    {
        var (receptions, result) = (new List<PduReception>(), new AppendedEvents(0, [], []));
        var position = 0L;
        foreach (var pdu in received.Events)
        {
            var reception = Receive(db, room, pdu, received, result, ref position);
            receptions.Add(reception);
            if (reception.Outcome is not null)
            {
                WaitingEventTable.Delete(db, room.Nid, pdu.EventId);
            }
            else if (received.SentBy is { } origin)
            {
                // The server is told that it came: it must not be lost until what it follows is here.
                var now = time.GetUtcNow().ToUnixTimeMilliseconds();
                WaitingEventTable.Add(db, room.Nid, new WaitingEvent(pdu.EventId, origin, now, pdu.Json.ToArray()));
            }
        }

        if (forgetOnLeave)
        {
            appender.Forget(db, room, result);
        }

        return (receptions, result with { Position = position });
    }

    /// <summary>Places events of the past where they are missing in the timeline: below what is there of the gap, as high as there is room.</summary>
    /// <remarks>They are judged by what the room was then, and change nothing of what it is now; nobody is told of them.</remarks>
    /// <param name="low">Order before the gap.</param>
    /// <returns>How many got a place.</returns>
    public int Backfill(WriteTransaction db, Room room, long low, PastEvents past, AppendedEvents result)
    {
        var after = BackwardExtremityTable.OfGap(db, room.Nid, low, int.MaxValue);
        if (after.Count == 0 || EventTable.NidsForward(db, room.Nid, low, long.MaxValue, 1) is not [var first])
        {
            return 0;
        }

        // Where even the orders that were left free are used up, the gap stays.
        if (first.Timeline - past.Events.Count <= low)
        {
            BackwardExtremityTable.DeleteGap(db, room.Nid, low);
            return 0;
        }

        var behind = EventTable.Find(db, after[0])!;
        var placed = 0;
        for (var i = 0; i < past.Events.Count; i++)
        {
            var order = first.Timeline - past.Events.Count + i;
            placed += PlacePast(db, room, past.Events[i], past, behind, (low, order), result) ? 1 : 0;
        }

        foreach (var nid in after)
        {
            if (FindMissing(db, room, EventTable.Find(db, nid)!.Parse(room.Version)).Prev.Count == 0)
            {
                BackwardExtremityTable.Delete(db, room.Nid, nid);
            }
        }

        return placed;
    }

    /// <summary>Places one event of the past in the middle of a gap, which it makes two of.</summary>
    /// <param name="before">What the room was before it.</param>
    public bool PlaceAlone(WriteTransaction db, Room room, long low, Pdu pdu, IReadOnlyList<StateEntry> before, AppendedEvents result)
    {
        if (BackwardExtremityTable.OfGap(db, room.Nid, low, 1) is not [var after]
            || EventTable.NidsForward(db, room.Nid, low, long.MaxValue, 1) is not [var first]
            || first.Timeline - low < LeastToSplit)
        {
            return false;
        }

        var order = low + ((first.Timeline - low) / 2);
        var past = new PastEvents([pdu])
        {
            StatesBefore = new Dictionary<string, IReadOnlyList<StateEntry>> { [pdu.EventId] = before },
        };
        BackwardExtremityTable.Split(db, room.Nid, low, order);
        if (PlacePast(db, room, pdu, past, EventTable.Find(db, after)!, (low, order), result))
        {
            return true;
        }

        BackwardExtremityTable.Split(db, room.Nid, order, low);
        return false;
    }

    private bool PlacePast(
        WriteTransaction db, Room room, Pdu pdu, PastEvents past, StoredEvent behind, (long Low, long Order) at, AppendedEvents result)
    {
        var known = EventTable.Find(db, pdu.EventId);
        if (known is not null && (known.Room != room.Nid || !known.Flags.HasFlag(EventFlags.Outlier)))
        {
            return false;
        }

        var parents = Parents(db, room, pdu);
        var missing = FindMissing(db, room, pdu, parents);
        var told = missing.Prev.Count > 0 ? past.StatesBefore?.GetValueOrDefault(pdu.EventId) : null;
        if (missing.Auth.Count > 0 || (missing.Prev.Count > 0 && told is null && !past.LeaveStateAsItIs))
        {
            return false;
        }

        if (RoomTable.Find(db, room.Nid)!.IsPartial)
        {
            Partial.Presume(db, room, pdu);
        }

        long before;
        if (past.LeaveStateAsItIs)
        {
            before = StateBefore(db, behind);
        }
        else
        {
            var states = parents.Select(parent => parent.State).ToList();
            if (told is not null)
            {
                states.Add(NodeOf(db, behind.State, told));
            }

            before = states.Count == 0 ? StateNodes.Empty : ResolvedState.Of(db, room, states);
        }

        var accepted = Judge(db, room, pdu, before, before).Outcome == ReceiptOutcome.Accepted;
        var nid = known?.Nid ?? db.NextPosition();
        var (state, replaces) = StateAfter(db, pdu, nid, before, accepted ? ReceiptOutcome.Accepted : ReceiptOutcome.Rejected);
        var flags = accepted ? EventFlags.None : EventFlags.Rejected;
        if (known is null)
        {
            Insert(db, room, pdu, nid, accepted ? at.Order : null, flags, state, replaces);
        }
        else
        {
            EventTable.Place(db, nid, accepted ? at.Order : null, flags, state, replaces);
        }

        if (missing.Prev.Count > 0)
        {
            BackwardExtremityTable.Add(db, room.Nid, at.Low, nid, at.Order);
        }

        if (accepted)
        {
            appender.Relate(db, room, pdu, new Place(nid, at.Order, state), result);
            EventAppender.RedactLate(db, room, pdu.EventId, result);
        }

        return true;
    }

    internal static long StateBefore(WriteTransaction db, StoredEvent stored)
    {
        if (!stored.IsState || EventTable.StateKeyOf(db, stored.Nid) is not var (type, stateKey) || StateKeyTable.Find(db, type, stateKey) is not { } key)
        {
            return stored.State;
        }

        // One that was rejected left the state as it was.
        return StateNodes.Find(db, stored.State, key) == stored.Nid
            ? StateNodes.Append(db, stored.State, [new StateEntry(key, stored.Replaces ?? 0)])
            : stored.State;
    }

    /// <summary>Puts events to the disk that have no place in the timeline: what others are allowed by, or what a state is made of.</summary>
    /// <param name="events">
    /// Each after the events by which it is allowed. One of another room, or of which such an event is neither here nor among these, is passed over;
    /// one that cites an event of another room is rejected.
    /// </param>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#rejection</remarks>
    public static void StoreOutliers(WriteTransaction db, Room room, IEnumerable<Pdu> events)
    {
        foreach (var pdu in events.Where(pdu => pdu.RoomId == room.Id))
        {
            var missing = FindMissing(db, room, pdu, []).Auth;
            if (EventTable.FindNid(db, pdu.EventId) is not null || missing.Any(id => EventTable.FindNid(db, id) is null))
            {
                continue;
            }

            var verdict = ReceiptChecks.CheckAuthEvents(pdu, id => Cited(db, room, id), id => IsRejected(db, id), Create(db, room));
            var flags = EventFlags.Outlier | (verdict.Allowed ? EventFlags.None : EventFlags.Rejected);
            Insert(db, room, pdu, db.NextPosition(), timeline: null, flags, StateNodes.Empty, replaces: null);
        }
    }

    /// <summary>Ids of what an event follows, or is allowed by, that are not here; of the former also those of which it is not known what the room was after them.</summary>
    public static MissingEvents FindMissing(Session db, Room room, Pdu pdu) => FindMissing(db, room, pdu, Parents(db, room, pdu));

    private PduReception Receive(WriteTransaction db, Room room, Pdu pdu, PduBatch received, AppendedEvents result, ref long position)
    {
        if (pdu.RoomId != room.Id)
        {
            return new PduReception(pdu, ReceiptOutcome.Dropped, $"it is of the room {pdu.RoomId}", MissingEvents.None);
        }

        var known = EventTable.Find(db, pdu.EventId);
        if (known is not null && (!known.Flags.HasFlag(EventFlags.Outlier) || known.Flags.HasFlag(EventFlags.Outside)))
        {
            return new PduReception(pdu, ReceiptOutcome.Accepted, null, MissingEvents.None);
        }

        var parents = Parents(db, room, pdu);
        var missing = FindMissing(db, room, pdu, parents);
        var row = RoomTable.Find(db, room.Nid)!;
        var told = missing.Prev.Count > 0 ? received.StatesBefore?.GetValueOrDefault(pdu.EventId) : null;
        var asEntered = row.IsPartial && missing.Prev.Count > 0 && told is null ? PartialStates.StateBefore(db, room, pdu) : null;
        if (missing.Auth.Count > 0 || (missing.Prev.Count > 0 && told is null && asEntered is null))
        {
            return new PduReception(pdu, null, null, missing);
        }

        if (parents.Count == 0 && told is null && asEntered is null)
        {
            return new PduReception(pdu, ReceiptOutcome.Dropped, "it follows no event, and is not the one that a room begins with", MissingEvents.None);
        }

        if (row.IsPartial)
        {
            Partial.Presume(db, room, pdu);
        }

        var states = parents.Select(parent => parent.State).ToList();
        long? low = null;
        if (asEntered is { } node)
        {
            states.Add(node);
        }
        else if (told is not null)
        {
            // Of the branches that are not here another server tells what they came to: that is one more state to resolve, and not the room's.
            states.Add(NodeOf(db, states.Count > 0 ? states[0] : row.State, told));
            low = LeaveGap(db, room);
        }

        var before = ResolvedState.Of(db, room, states);

        // Of a branch that is not here the room's state knows nothing: who came in on it would be nobody, and all that they say fail softly.
        var current = told is null ? row.State : ResolvedState.Of(db, room, [row.State, before]);
        var verdict = Judge(db, room, pdu, before, current);
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

        if (low is { } gap && verdict.Outcome != ReceiptOutcome.Rejected)
        {
            BackwardExtremityTable.Add(db, room.Nid, gap, nid, order);
        }

        if (accepted)
        {
            position = order;
            TakeIn(db, room, row, pdu, new Place(nid, order, after), parents, received.IsOutgoing, result);
        }

        return new PduReception(pdu, verdict.Outcome, verdict.Refusal, MissingEvents.None);
    }

    internal static List<StoredEvent> Parents(Session db, Room room, Pdu pdu) =>
        [.. pdu.PrevEvents.Select(id => EventTable.Find(db, id)).OfType<StoredEvent>()
            .Where(parent => parent.Room == room.Nid && !parent.Flags.HasFlag(EventFlags.Outlier))];

    /// <summary>The node of a state that is given by its events, as what differs from another: states of one room differ in little.</summary>
    private static long NodeOf(WriteTransaction db, long other, IEnumerable<StateEntry> state)
    {
        var changes = new Dictionary<long, long>();
        foreach (var (key, nid) in state)
        {
            changes[key] = nid;
        }

        StateNodes.ForEach(db, other, entry =>
        {
            if (!changes.TryGetValue(entry.StateKey, out var nid))
            {
                changes.Add(entry.StateKey, 0);
            }
            else if (nid == entry.Event)
            {
                changes.Remove(entry.StateKey);
            }
        });
        return StateNodes.Append(db, other, [.. changes.Select(change => new StateEntry(change.Key, change.Value))]);
    }

    /// <summary>Leaves orders for what is between the end of the timeline and the next event, and not here.</summary>
    /// <returns>The order before the gap.</returns>
    private static long LeaveGap(WriteTransaction db, Room room)
    {
        if (EventTable.LastTimeline(db, room.Nid) is not { } last)
        {
            return BackwardExtremityTable.Beginning;
        }

        db.SkipPositions(BackwardExtremityTable.OrdersInGap);
        return last;
    }

    /// <summary>Makes an event one of the forward extremities, and the room's state what follows from that.</summary>
    private void TakeIn(
        WriteTransaction db, Room room, RoomRow row, Pdu pdu, Place place, List<StoredEvent> parents, bool outgoing, AppendedEvents result)
    {
        long[] extremities = [.. row.Extremities.Where(nid => !parents.Exists(parent => parent.Nid == nid)), place.Nid];
        var current = CurrentState(db, room, row, extremities, place);
        if (current != place.State)
        {
            CurrentStateTable.Insert(db, place.Nid, current);
        }

        RoomTable.MoveHead(db, room.Nid, current, extremities, place.Order);
        var moved = Apply(db, room, row.State, current, place.Order, result, row.IsPartial).Contains(place.Nid);
        appender.Follow(db, room, pdu, place with { State = current }, moved, outgoing, result);
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

    internal static HashSet<long> States(Session db, IEnumerable<long> events) =>
        [.. EventTable.FindMany(db, events).Values.Select(static stored => stored.State)];

    /// <summary>Makes the members of the room what its state says, and notes whether it may be called something else now.</summary>
    /// <param name="position">Stream position of what made the state another.</param>
    /// <param name="isPartial">Who the state does not have may be a member all the same.</param>
    /// <returns>Nids of the member events that made a membership another.</returns>
    internal HashSet<long> Apply(
        WriteTransaction db, Room room, long before, long after, long position, AppendedEvents result, bool isPartial)
    {
        var moved = new HashSet<long>();
        result.NameChanged |= before == StateNodes.Empty;
        foreach (var change in StateNodes.Difference(db, before, after))
        {
            var key = EventTable.StateKeyOf(db, change.After != 0 ? change.After : change.Before)!.Value;
            result.NameChanged |= RoomNames.IsOne(key);
            result.GuestAccessChanged |= key is (GuestAccess.Type, "");
            if (key is not (EventTypes.Member, var user) || (isPartial && change.After == 0))
            {
                continue;
            }

            Membership? membership = change.After == 0 ? null : Memberships.Of(EventTable.Find(db, change.After)!.Parse(room.Version));
            if (appender.SetMembership(db, room, user, membership, change.After, position, result))
            {
                moved.Add(change.After);
            }
        }

        return moved;
    }

    internal static void NoteName(WriteTransaction db, Room room, AppendedEvents result)
    {
        if (result.NameChanged)
        {
            RoomNames.Note(db, RoomTable.Find(db, room.Nid)!);
        }
    }

    internal ReceiptVerdict Judge(WriteTransaction db, Room room, Pdu pdu, long before, long current) => ReceiptChecks.CheckInRoom(
        new ReceiptVerdict(pdu, ReceiptOutcome.Accepted, ReceiptCheck.None, null),
        new ReceiptContext
        {
            Cited = id => Cited(db, room, id),
            IsRejected = id => IsRejected(db, id),
            Create = Create(db, room),
            StateBefore = (type, stateKey) => RoomStateReader.Find(db, room.Version, before, type, stateKey),
            CurrentState = (type, stateKey) => RoomStateReader.Find(db, room.Version, current, type, stateKey),
            PolicyServer = RoomPolicy.Of(db, room, server, current),
        });

    internal static (long State, long? Replaces) StateAfter(WriteTransaction db, Pdu pdu, long nid, long before, ReceiptOutcome outcome)
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
        [.. pdu.AuthEvents.Where(id => !EventTable.IsInRoom(db, room.Nid, id))]);

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
}
