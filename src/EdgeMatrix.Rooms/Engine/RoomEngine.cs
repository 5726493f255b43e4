using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Notifications;
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
    private readonly LoadedRooms _rooms = new(database.Memory);
    private readonly EventAppender _appender = new(server, time, appended);

    private EventReceiver Receiver => new(_appender, ForgetOnLeave);

    /// <summary>Whoever leaves a room, or is made to, has forgotten it.</summary>
    public bool ForgetOnLeave { get; init; }

    /// <summary>Users whose events whoever joins later sees redacted.</summary>
    public Erasures Erasures { get; } = new(database);

    /// <summary>How long messages live.</summary>
    public RetentionPolicy Retention { get; init; } = RetentionPolicy.Off;

    public LocalServer Server => server;

    public Database Database => database;

    public ChangeNotifier Notifier => notifier;

    public TimeProvider Time => time;

    /// <summary>The room with the id, or null if this server does not know it.</summary>
    public Room? Find(string roomId)
    {
        if (_rooms.Find(roomId) is { } room)
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
                var pending = new PendingEvents(room, head, server);
                var (wanted, refusal) = draft(pending.State);
                if (refusal is null && wanted is null)
                {
                    return "";
                }

                refusal ??= GuestAccess.Check(database, pending.State, wanted!) ?? pending.Add(wanted!, Now());
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
    /// <returns>What became of each, once that is on the disk.</returns>
    public async Task<IReadOnlyList<PduReception>> ReceiveAsync(Room room, IReadOnlyList<Pdu> events, CancellationToken cancellationToken)
    {
        var guestAccessChanged = false;
        IReadOnlyList<PduReception> received;
        await room.Gate.WaitAsync(cancellationToken);
        try
        {
            if (room.IsGone)
            {
                return [.. events.Select(pdu => new PduReception(pdu, ReceiptOutcome.Dropped, "this server is not in the room", MissingEvents.None))];
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

    /// <summary>Enters a room of other servers with the join of a user of this one.</summary>
    /// <param name="join">The join as the resident server took it.</param>
    /// <param name="state">The state of the room before the join.</param>
    /// <param name="others">What else is in the auth chains of the state, each event after those by which it is allowed, the state's included.</param>
    /// <returns>The room, once it is on the disk; or why it cannot be entered: not by a server that is in it, where an event like any other does.</returns>
    public async Task<Outcome<Room>> EnterAsync(Pdu join, IReadOnlyList<Pdu> state, IReadOnlyList<Pdu> others)
    {
        if (IsBeingDeleted(join.RoomId))
        {
            return new Refusal(RefusalKind.Unknown, "This server is still deleting what it had of the room");
        }

        var room = Find(join.RoomId) ?? new Room(join.RoomId, join.Version, 0, []);
        if (room.LocalMembers().Length > 0)
        {
            // What is known here of the room is not to be given up for what another server says of it.
            return Refusal.Forbidden("This server is in the room already");
        }

        await room.Gate.WaitAsync();
        try
        {
            room.Head = null;
            await database.WriteAsync(db =>
            {
                room.Nid = RoomTable.Find(db, room.Id)?.Nid ?? RoomTable.Insert(db, room.Id, room.Version.Id);
                var result = new AppendedEvents(0, [], []);
                EventReceiver.StoreOutliers(db, room, others);
                if (Receiver.Enter(db, room, join, state, result, out var position) is { } reason)
                {
                    throw new RoomRefusedException(reason);
                }

                db.AfterCommit(() => Notify(room, null, result with { Position = position }));
            });
            return _rooms.GetOrAdd(room);
        }
        catch (RoomRefusedException refused)
        {
            return Refusal.Forbidden(refused.Message);
        }
        finally
        {
            room.Gate.Release();
        }
    }

    /// <summary>Where in the room an event of a user of another server would stand, if it is allowed: what that server has to build it on.</summary>
    public async Task<(EventLinks? Links, Refusal? Refusal)> LinksAsync(Room room, EventDraft draft, CancellationToken cancellationToken)
    {
        await room.Gate.WaitAsync(cancellationToken);
        try
        {
            var pending = new PendingEvents(room, Head(room), server);
            var refusal = room.IsGone ? Refusal.NotFound("This server is not in the room") : pending.Add(draft, Now());
            return (refusal is null ? pending.LastLinks : null, refusal);
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
            var appended = _appender.Append(db, room, events, transaction, alongside, ForgetOnLeave);
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
