using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Rooms.Purging;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>An event request that a device may repeat, and that has its effect once.</summary>
/// <param name="Device">Nid of the device.</param>
/// <param name="Endpoint">What the id is scoped to besides the device: the request's method, room and event type.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers</remarks>
public sealed record TransactionId(long Device, string Endpoint, string TxnId);

/// <summary>The one door into rooms: every event goes through here, room by room in order, rooms side by side.</summary>
/// <remarks>
/// An event of this server passes: draft → format and size → hashes and signature → auth events → state before →
/// authorise (<see cref="PendingEvents"/>) → append (<see cref="EventAppender"/>) → notify. The room goes on to its next
/// event as soon as this one is queued for the disk; the caller gets its answer when it is on the disk. Should the
/// commit fail, the head is dropped and read anew, and events built on the lost one fail for want of their prev events.
/// </remarks>
/// <param name="appended">What else is to be written with every event that goes to the end of a timeline, in the same transaction.</param>
public sealed class RoomEngine(
    Database database, LocalServer server, ChangeNotifier notifier, TimeProvider time, Action<WriteTransaction, AppendedEvent>? appended = null)
{
    // Each is some hundred microseconds of the writer.
    private const int OutliersInWrite = 200;

    private static readonly TimeSpan _longestWaitForWhole = TimeSpan.FromSeconds(60);

    private readonly LoadedRooms _rooms = new(database.Memory);
    private readonly WholeRooms _wholes = new();

    private EventAppender Appender => new(server, time, SelfDestruction, appended);

    private EventReceiver Receiver => new(Appender, server, time, ForgetOnLeave);

    private PartialStates Partial => new(Receiver, Appender, server);

    private RoomPolicy Policy => new(database, server, PolicySigner);

    /// <summary>Whoever leaves a room, or is made to, has forgotten it.</summary>
    public bool ForgetOnLeave { get; init; }

    /// <summary>Asks the policy servers of rooms; null: they are not asked.</summary>
    public PolicySigner? PolicySigner { get; init; }

    /// <summary>Users whose events whoever joins later sees redacted.</summary>
    public Erasures Erasures { get; } = new(database);

    /// <summary>Empties the messages that are to be gone by a time.</summary>
    public SelfDestruction SelfDestruction { get; } = new(database, time);

    /// <summary>How long messages live.</summary>
    public RetentionPolicy Retention { get; init; } = RetentionPolicy.Off;

    public LocalServer Server => server;

    public Database Database => database;

    public ChangeNotifier Notifier => notifier;

    public TimeProvider Time => time;

    /// <summary>The room with the id, or null if this server does not know it.</summary>
    public Room? Find(string roomId)
    {
        // One without a nid is on its way in, and may not come.
        if (_rooms.Find(roomId) is { Nid: > 0 } room)
        {
            return room;
        }

        using var snapshot = database.OpenSnapshot();
        return RoomTable.Find(snapshot, roomId) is { } row ? Find(snapshot, row) : null;
    }

    /// <summary>As <see cref="Find(string)"/> for whoever holds a snapshot already, and so must not wait for another.</summary>
    public Room? Find(Session db, RoomRow row)
    {
        if (_rooms.Find(row.RoomId) is { } room)
        {
            return room;
        }

        return RoomVersions.Find(row.Version) is { } version
            ? _rooms.GetOrAdd(new Room(row.RoomId, version, row.Nid, MembershipTable.JoinedLocals(db, row.Nid)))
            : null;
    }

    /// <summary>Sends one event; with a transaction id that was used before, gives the event it made then.</summary>
    /// <returns>The id of the event, once it is on the disk.</returns>
    public Task<Outcome<string>> SendAsync(Room room, EventDraft draft, TransactionId? transaction, CancellationToken cancellationToken) =>
        SendAsync(room, _ => draft, transaction, cancellationToken);

    /// <summary>As above, with a draft made from the state that the event will be authorised against.</summary>
    /// <param name="draft">Gives the event to send, or why not; neither, where the room is already as it should be.</param>
    /// <returns>The id of the event, once it is on the disk; empty if there was nothing to send.</returns>
    public async Task<Outcome<string>> SendAsync(
        Room room, Func<StateLookup, Outcome<EventDraft>> draft, TransactionId? transaction, CancellationToken cancellationToken)
    {
        await room.Gate.WaitAsync(cancellationToken);
        Task<string>? written;
        QueuedWrite<AppendedEvents>? write = null;
        try
        {
            if (room.IsGone)
            {
                return Refusal.Forbidden("You are not in the room");
            }

            // The same request may be on its way to the disk, or there already: one effect, one answer.
            written = room.PendingTransaction(transaction);
            if (written is null)
            {
                if (FindTransaction(transaction) is { } earlier)
                {
                    return earlier;
                }

                var head = Head(room);
                if (head.Extremities.Count == 0)
                {
                    // The room is known by an invite alone, say.
                    return Refusal.Forbidden("You are not in the room");
                }

                var pending = new PendingEvents(room, head, server);
                var (wanted, refusal) = draft(pending.State);
                if (refusal is null && wanted is null)
                {
                    return "";
                }

                refusal ??= GuestAccess.Check(database, pending.State, wanted!) ?? pending.Add(wanted!, Now());
                refusal ??= await SignByPolicyServerAsync(room, head, pending, cancellationToken);
                if (refusal is not null)
                {
                    return refusal;
                }

                write = Append(room, head, pending.Events, transaction, null);
                written = WrittenAsync(write.Task, room, head, pending.Events);
                room.TrackTransaction(transaction, written);
            }
        }
        finally
        {
            room.Gate.Release();
            write?.Start();
        }

        var eventId = await written;
        if (write is not null && (await write.Task).GuestAccessChanged)
        {
            // Who asked may be gone by now; what a power cut leaves of it, upkeep does.
            await GuestAccess.RemoveGuestsAsync(this, room, CancellationToken.None);
        }

        return eventId;
    }

    /// <summary>Makes a room of its first events, all or none of which become the room.</summary>
    /// <param name="roomId">The id of the new room; null where the create event's hash is the id.</param>
    /// <param name="alongside">Runs in the same transaction, with the room's nid: its alias, its place in the directory.</param>
    /// <returns>The room, or why it cannot be. <see cref="RefusalKind.RoomInUse"/> if <paramref name="alongside"/> answers false.</returns>
    public async Task<Outcome<Room>> CreateAsync(
        RoomVersion version, string? roomId, IReadOnlyList<EventDraft> drafts, Func<WriteTransaction, long, bool> alongside)
    {
        var createTs = Now();
        while (true)
        {
            var (id, badCreate) = roomId is not null ? roomId : HashRoomId(version, drafts[0], createTs);
            if (id is null)
            {
                return badCreate!;
            }

            if (Find(id) is not null || IsBeingDeleted(id))
            {
                // Two rooms created alike in one millisecond would share their hash, and so their id.
                createTs++;
                continue;
            }

            var room = new Room(id, version, 0, []);
            var head = RoomHead.Empty(database, version, id);
            var pending = new PendingEvents(room, head, server);
            foreach (var draft in drafts)
            {
                if (pending.Add(draft, createTs) is { } refusal)
                {
                    return refusal;
                }
            }

            try
            {
                await room.Gate.WaitAsync();
                var write = Append(room, head, pending.Events, null, alongside);
                var written = WrittenAsync(write.Task, room, head, pending.Events);
                write.Start();
                await written;
                return _rooms.GetOrAdd(room);
            }
            catch (RoomTakenException)
            {
                createTs++;
            }
            catch (AliasTakenException)
            {
                return new Refusal(RefusalKind.RoomInUse, "The room alias is taken");
            }
            finally
            {
                room.Gate.Release();
            }
        }
    }

    /// <summary>Judges events of other servers, and gives each the place in the room that it gets.</summary>
    /// <param name="events">Of this room, each after those that it follows; they passed the checks that need no room (<see cref="ReceiptChecks.CheckAlone(ReceivedEvent)"/>).</param>
    /// <param name="outgoing">
    /// The other servers in the room are to hear of them from this one: so of the join, the leave or the knock of a user of a server that is not in the room.
    /// </param>
    /// <returns>What became of each, once that is on the disk.</returns>
    public Task<IReadOnlyList<PduReception>> ReceiveAsync(
        Room room, IReadOnlyList<Pdu> events, CancellationToken cancellationToken, bool outgoing = false) =>
        ReceiveAsync(room, new PduBatch(events) { IsOutgoing = outgoing }, cancellationToken);

    /// <inheritdoc cref="ReceiveAsync(Room, IReadOnlyList{Pdu}, CancellationToken, bool)"/>
    public async Task<IReadOnlyList<PduReception>> ReceiveAsync(Room room, PduBatch events, CancellationToken cancellationToken)
    {
        var guestAccessChanged = false;
        IReadOnlyList<PduReception> received;
        events = events with { Events = await Policy.SignReceivedAsync(room, events.Events, cancellationToken) };
        await room.Gate.WaitAsync(cancellationToken);
        try
        {
            if (room.IsGone)
            {
                return
                [
                    .. events.Events.Select(pdu => new PduReception(pdu, ReceiptOutcome.Dropped, "this server is not in the room", MissingEvents.None)),
                ];
            }

            // What was sent before is written before; what is sent next is built on what these events make of the room.
            room.Head = null;
            received = await database.WriteAsync(db =>
            {
                var (receptions, appended) = Receiver.Receive(db, room, events);
                guestAccessChanged = appended.GuestAccessChanged;
                if (appended.Position > 0)
                {
                    db.AfterCommit(() => Notify(room, null, appended));
                }

                return receptions;
            });
        }
        finally
        {
            room.Gate.Release();
        }

        if (guestAccessChanged)
        {
            await GuestAccess.RemoveGuestsAsync(this, room, CancellationToken.None);
        }

        return received;
    }

    /// <summary>Puts events of a room to the disk that have no place in its timeline: what others are allowed by, or what a state is made of.</summary>
    /// <param name="events">Each after the events by which it is allowed; they passed the checks that need no room.</param>
    public async Task StoreOutliersAsync(Room room, IReadOnlyList<Pdu> events, CancellationToken cancellationToken)
    {
        foreach (var some in events.Chunk(OutliersInWrite))
        {
            await room.Gate.WaitAsync(cancellationToken);
            try
            {
                if (room.IsGone)
                {
                    return;
                }

                await database.WriteAsync(db => EventReceiver.StoreOutliers(db, room, some));
            }
            finally
            {
                room.Gate.Release();
            }
        }
    }

    /// <summary>Places events of the past in a gap of the room's timeline.</summary>
    /// <param name="low">Order before the gap.</param>
    /// <returns>How many got a place.</returns>
    public Task<int> BackfillAsync(Room room, long low, PastEvents past, CancellationToken cancellationToken) =>
        WritePastAsync(room, (db, result) => Receiver.Backfill(db, room, low, past, result), cancellationToken);

    /// <summary>Places one event of the past in the middle of a gap of the room's timeline.</summary>
    /// <param name="before">What the room was before it, as another server tells it.</param>
    /// <returns>Whether it got a place.</returns>
    public Task<bool> PlaceAsync(Room room, long low, Pdu pdu, IReadOnlyList<StateEntry> before, CancellationToken cancellationToken) =>
        WritePastAsync(room, (db, result) => Receiver.PlaceAlone(db, room, low, pdu, before, result), cancellationToken);

    private async Task<T> WritePastAsync<T>(Room room, Func<WriteTransaction, AppendedEvents, T> write, CancellationToken cancellationToken)
        where T : struct
    {
        await room.Gate.WaitAsync(cancellationToken);
        try
        {
            if (room.IsGone)
            {
                return default;
            }

            // What is redacted by one of them may be in it.
            room.Head = null;
            return await database.WriteAsync(db => write(db, new AppendedEvents(0, [], [])));
        }
        finally
        {
            room.Gate.Release();
        }
    }

    /// <summary>Those of the events that have no place in the room yet.</summary>
    public List<Pdu> Unplaced(IEnumerable<Pdu> events)
    {
        using var snapshot = database.OpenSnapshot();
        return [.. events.Where(pdu => EventTable.Find(snapshot, pdu.EventId) is not { } stored || stored.Flags.HasFlag(EventFlags.Outlier))];
    }

    /// <summary>Those of the events that are not here in any place.</summary>
    public List<Pdu> NotStored(IEnumerable<Pdu> events)
    {
        using var snapshot = database.OpenSnapshot();
        return [.. events.Where(pdu => EventTable.FindNid(snapshot, pdu.EventId) is null)];
    }

    /// <summary>Of each event that cannot be judged yet, by its id, what is missing of that which it follows or is allowed by.</summary>
    public Dictionary<string, MissingEvents> Missing(Room room, IEnumerable<Pdu> events)
    {
        using var snapshot = database.OpenSnapshot();
        var missing = new Dictionary<string, MissingEvents>(StringComparer.Ordinal);
        foreach (var pdu in events)
        {
            if (EventReceiver.FindMissing(snapshot, room, pdu) is { Any: true } of)
            {
                missing[pdu.EventId] = of;
            }
        }

        return missing;
    }

    /// <summary>Enters a room of other servers with the join of a user of this one.</summary>
    /// <param name="join">The join as the resident server took it.</param>
    /// <param name="state">The state of the room before the join.</param>
    /// <param name="others">What else is in the auth chains of the state, each event after those by which it is allowed, the state's included.</param>
    /// <param name="servers">Where members are missing from the state: the servers in the room, first who told so. Else null.</param>
    /// <returns>The room, once it is on the disk; or why it cannot be entered: not by a server that is in it, where an event like any other does.</returns>
    public async Task<Outcome<Room>> EnterAsync(Pdu join, IReadOnlyList<Pdu> state, IReadOnlyList<Pdu> others, IReadOnlyList<string>? servers)
    {
        if (IsBeingDeleted(join.RoomId))
        {
            return new Refusal(RefusalKind.Unknown, "This server is still deleting what it had of the room");
        }

        var room = Find(join.RoomId) ?? _rooms.GetOrAdd(new Room(join.RoomId, join.Version, 0, []));
        await room.Gate.WaitAsync();
        var isNew = room.Nid == 0;
        try
        {
            if (!room.LocalMembers().IsEmpty)
            {
                // What is known here of the room is not to be given up for what another server says of it.
                return Refusal.Forbidden("This server is in the room already");
            }

            room.Head = null;
            await database.WriteAsync(db =>
            {
                OpenFromOutside(db, room, join.Version);
                var result = new AppendedEvents(0, [], []);
                EventReceiver.RemoveOutside(db, room);
                EventReceiver.StoreOutliers(db, room, others);
                if (Receiver.Enter(db, room, join, state, servers, result, out var position) is { } reason)
                {
                    throw new RoomRefusedException(reason);
                }

                db.AfterCommit(() => Notify(room, null, result with { Position = position }));
            });
            isNew = false;
            return room;
        }
        catch (RoomRefusedException refused)
        {
            return Refusal.Forbidden(refused.Message);
        }
        finally
        {
            room.Nid = isNew ? 0 : room.Nid;
            room.Gate.Release();
        }
    }

    /// <summary>Puts events to the disk of which the state is made that was not known when this server came into the room, and what allows those.</summary>
    /// <param name="events">Each after the events by which it is allowed; they passed the checks that need no room.</param>
    /// <param name="state">Ids of events of the state itself: of these, or stored before.</param>
    /// <returns>The entries of the state that they are.</returns>
    public async Task<List<StateEntry>> AddMembersAsync(
        Room room, IReadOnlyList<Pdu> events, IReadOnlyCollection<string> state, CancellationToken cancellationToken)
    {
        await StoreOutliersAsync(room, events, cancellationToken);
        await room.Gate.WaitAsync(cancellationToken);
        try
        {
            return await database.WriteAsync(db => Partial.AddMembers(db, room, state));
        }
        finally
        {
            room.Gate.Release();
        }
    }

    /// <summary>The state that was not known when this server came into the room is known.</summary>
    /// <param name="told">All of it, or what of it could be checked.</param>
    public async Task CompleteAsync(Room room, IReadOnlyCollection<StateEntry> told, CancellationToken cancellationToken)
    {
        await room.Gate.WaitAsync(cancellationToken);
        try
        {
            room.Head = null;
            await database.WriteAsync(db =>
            {
                var result = new AppendedEvents(0, [], []);
                if (Partial.Complete(db, room, told, result) is > 0 and var position)
                {
                    db.AfterCommit(() => Notify(room, null, result with { Position = position }));
                }
            });
        }
        finally
        {
            room.Gate.Release();
        }

        _wholes.Came(room.Nid);
    }

    /// <summary>Waits until all of the room's state is known, if this server came into it without.</summary>
    /// <returns>Whether it is; false: not in time.</returns>
    public async Task<bool> WaitWholeAsync(Room room, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(_longestWaitForWhole, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        while (IsPartial(room))
        {
            // It may have become whole right now.
            var whole = _wholes.Next(room.Nid);
            if (!IsPartial(room))
            {
                _wholes.Came(room.Nid);
                break;
            }

            try
            {
                await whole.WaitAsync(ended.Token);
            }
            catch (OperationCanceledException) when (late.IsCancellationRequested)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether this server came into the room, and does not know all of its state yet.</summary>
    public bool IsPartial(Room room)
    {
        using var db = database.OpenSnapshot();
        return RoomTable.Find(db, room.Nid) is { IsPartial: true };
    }

    /// <summary>The room, if this server takes part in it, or did so as the last server that was in it.</summary>
    public Room? FindInside(string roomId)
    {
        if (Find(roomId) is not { } room || !room.LocalMembers().IsEmpty)
        {
            return Find(roomId);
        }

        using var db = database.OpenSnapshot();
        return RoomTable.Find(db, room.Nid) is { Extremities.Length: > 0 } && RoomServerTable.InRoom(db, room.Nid).Count == 0 ? room : null;
    }

    /// <summary>Notes what a user of this server is in a room that the server is not in: invited, knocking, or neither any more.</summary>
    /// <param name="member">The member event, as a server that is in the room has it or will have it.</param>
    /// <param name="told">What the user is shown of the room: a JSON list of stripped state events; null for nothing.</param>
    /// <returns>Null once it is on the disk; or why not: the server is in the room.</returns>
    public async Task<Refusal?> NoteOutsideAsync(Pdu member, byte[]? told)
    {
        if (IsBeingDeleted(member.RoomId))
        {
            return new Refusal(RefusalKind.Unknown, "This server is still deleting what it had of the room");
        }

        var room = Find(member.RoomId) ?? _rooms.GetOrAdd(new Room(member.RoomId, member.Version, 0, []));
        await room.Gate.WaitAsync();
        var isNew = room.Nid == 0;
        try
        {
            if (!room.LocalMembers().IsEmpty || room.IsGone)
            {
                return Refusal.Forbidden("This server is in the room, which has its events in their order");
            }

            await database.WriteAsync(db =>
            {
                OpenFromOutside(db, room, member.Version);
                var result = new AppendedEvents(0, [], []);
                if (Receiver.NoteOutside(db, room, member, told, result) is > 0 and var position)
                {
                    db.AfterCommit(() => Notify(room, null, result with { Position = position }));
                }
            });
            isNew = false;
            return null;
        }
        catch (RoomRefusedException refused)
        {
            return Refusal.Forbidden(refused.Message);
        }
        finally
        {
            room.Nid = isNew ? 0 : room.Nid;
            room.Gate.Release();
        }
    }

    /// <summary>The row of a room that this server is not in, made if there is none.</summary>
    /// <exception cref="RoomRefusedException">The room is of another version: so it was when this server was in it.</exception>
    private static void OpenFromOutside(WriteTransaction db, Room room, RoomVersion version)
    {
        var row = RoomTable.Find(db, room.Id);
        room.Nid = row?.Nid ?? RoomTable.Insert(db, room.Id, version.Id);
        if (row is { Extremities.Length: > 0 } && row.Version != version.Id)
        {
            throw new RoomRefusedException($"the room has the version {row.Version}, and not {version.Id}");
        }

        // An invite may have said otherwise; what is told with it is not to keep anybody out.
        RoomTable.SetVersion(db, room.Nid, version.Id);
        room.Version = version;
    }

    /// <summary>Where in the room an event of a user of another server would stand, if it is allowed: what that server has to build it on.</summary>
    public async Task<(EventLinks? Links, Refusal? Refusal)> LinksAsync(Room room, EventDraft draft, CancellationToken cancellationToken)
    {
        var (template, refusal) = await TemplateAsync(room, _ => draft, cancellationToken);
        return (template?.Links, refusal);
    }

    /// <summary>As above, with a draft made from the state that the event would be authorised against.</summary>
    public async Task<Outcome<EventTemplate>> TemplateAsync(
        Room room, Func<StateLookup, Outcome<EventDraft>> draft, CancellationToken cancellationToken)
    {
        var (pending, refusal) = await PendAsync(room, draft, cancellationToken);
        return pending is { } made ? new EventTemplate(room.Version, room.Id, made.Draft, made.Events.LastLinks!) : refusal!;
    }

    /// <summary>An event of a user of this server that is to get another's signature before the room takes it: see <see cref="ReceiveAsync"/>.</summary>
    public async Task<Outcome<Pdu>> BuildAsync(Room room, Func<StateLookup, Outcome<EventDraft>> draft, CancellationToken cancellationToken)
    {
        var (pending, refusal) = await PendAsync(room, draft, cancellationToken);
        return pending is { } made ? made.Events.Events[^1] : refusal!;
    }

    private async Task<((EventDraft Draft, PendingEvents Events)? Pending, Refusal? Refusal)> PendAsync(
        Room room, Func<StateLookup, Outcome<EventDraft>> draft, CancellationToken cancellationToken)
    {
        await room.Gate.WaitAsync(cancellationToken);
        try
        {
            if (room.IsGone || Head(room).Extremities.Count == 0)
            {
                return (null, Refusal.NotFound("This server is not in the room"));
            }

            var pending = new PendingEvents(room, Head(room), server);
            var (wanted, refusal) = draft(pending.State);
            refusal ??= pending.Add(wanted! with { Origin = server.Name }, Now());
            return refusal is null ? ((wanted!, pending), null) : (null, refusal);
        }
        finally
        {
            room.Gate.Release();
        }
    }

    /// <summary>Takes a room away from everyone, unless it is wanted; what it leaves behind is for <see cref="PurgedRoomTable"/> to delete.</summary>
    /// <param name="mayDelete">Judges in the transaction that would take it away; what it writes stays in either case.</param>
    /// <returns>Whether it is gone.</returns>
    internal async Task<bool> DeleteAsync(Room room, Func<WriteTransaction, RoomRow, bool> mayDelete)
    {
        // Nothing is sent meanwhile, and what was sent before is written before.
        await room.Gate.WaitAsync();
        try
        {
            room.IsGone = await database.WriteAsync(db =>
            {
                if (RoomTable.Find(db, room.Id) is not { } row)
                {
                    return true;
                }

                if (!mayDelete(db, row))
                {
                    return false;
                }

                PurgedRoomTable.Begin(db, row);
                return true;
            });
            if (room.IsGone)
            {
                _rooms.Remove(room);
            }

            return room.IsGone;
        }
        finally
        {
            room.Gate.Release();
        }
    }

    private async Task<Refusal?> SignByPolicyServerAsync(Room room, RoomHead head, PendingEvents pending, CancellationToken cancellationToken)
    {
        var (signed, refusal) = await Policy.SignOwnAsync(room, head.State, pending.Events[^1], cancellationToken);
        if (signed is not null)
        {
            pending.ReplaceLast(signed);
        }

        return refusal;
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The id of a room whose create event's hash it is; or why the create event may not be.</summary>
    private Outcome<string> HashRoomId(RoomVersion version, EventDraft create, long originServerTs)
    {
        var built = EventBuilder.Build(create, version, "", EventLinks.FirstIn(version), originServerTs, server.Key, server.Name);
        return built.Event is { } pdu ? pdu.RoomId : PendingEvents.Refuse(built);
    }

    private bool IsBeingDeleted(string roomId)
    {
        using var snapshot = database.OpenSnapshot();
        return PurgedRoomTable.Contains(snapshot, roomId);
    }

    private RoomHead Head(Room room) => room.Head ??= RoomHead.Load(database, room.Version, room.Id);

    private string? FindTransaction(TransactionId? transaction)
    {
        if (transaction is null)
        {
            return null;
        }

        using var snapshot = database.OpenSnapshot();
        return TransactionTable.Find(snapshot, transaction.Device, transaction.Endpoint, transaction.TxnId);
    }

    /// <summary>Queues events for the disk and moves the head on.</summary>
    private QueuedWrite<AppendedEvents> Append(
        Room room, RoomHead head, IReadOnlyList<Pdu> events, TransactionId? transaction, Func<WriteTransaction, long, bool>? alongside)
    {
        head.Advance(events);
        room.TrackAnnotations(events, pending: true);
        room.Head = head;
        _rooms.Weigh(room);
        return database.Queue(db =>
        {
            var appended = Appender.Append(db, room, events, transaction, alongside, ForgetOnLeave);
            db.AfterCommit(() => Notify(room, head, appended));
            return appended;
        });
    }

    /// <returns>The last event's id, once the events are on the disk.</returns>
    private async Task<string> WrittenAsync(Task<AppendedEvents> written, Room room, RoomHead head, IReadOnlyList<Pdu> events)
    {
        try
        {
            await written;
            return events[^1].EventId;
        }
        catch (Exception exception)
        {
            // Whatever was built on these events has no parents on the disk: begin again from what is there.
            room.DropHead(head);
            if (exception is ParentsLostException && database.LastDiskFailure is { } failure)
            {
                // What was wrong with the parents is what is wrong with these.
                throw new DatabaseException(failure.Message, failure);
            }

            throw;
        }
        finally
        {
            head.WriteEnds(events);
            room.TrackAnnotations(events, pending: false);
        }
    }

    private void Notify(Room room, RoomHead? head, AppendedEvents appended)
    {
        foreach (var (user, membership) in appended.LocalMemberships)
        {
            room.SetLocalMember(user, membership == Membership.Join);
        }

        foreach (var redacted in appended.Redacted)
        {
            head?.Forget(redacted);
        }

        notifier.RoomChanged(room.Nid, appended.Position, [.. room.LocalMembers(), .. appended.LocalMemberships.Select(m => m.User)]);
    }
}
