using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Federation;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Sending;

/// <summary>Notes, with every write, what other servers are to be told of it: so they miss nothing.</summary>
/// <remarks>
/// Of an event one row is written, for however many servers, and none where no other server is concerned. A receipt and a change of devices
/// stand where they are already; of those it is only told that there is something new. Spec: https://spec.matrix.org/v1.19/server-server-api/#transactions
/// </remarks>
public sealed class OutgoingNews
{
    private const int EntryBytes = 80;
    private const int NameBytes = 60;

    /// <summary>So many messages to devices wait for a server that does not come back; then the oldest goes.</summary>
    private const int MaxMessages = 20_000;

    // Counting what waits takes longer than adding to it.
    private const int TrimEvery = 64;

    private readonly FederationSettings _settings;
    private readonly LocalServer _server;
    private readonly Action<IReadOnlyList<string>> _queued;
    private readonly Action<string, long> _entered;
    private readonly Action<long, IReadOnlyList<string>> _joined;

    // By room; the version moves whenever somebody joins or is joined no longer, so that what a write that failed left here is never taken for true.
    private readonly BoundedCache<long, (long Version, IReadOnlyList<string> Servers)> _ofRoom =
        new("servers_of_rooms", wanted: 512 << 10, least: 64 << 10);

    /// <param name="queued">Called after the commit with the servers that there is something new for.</param>
    /// <param name="entered">Called after the commit with a server that came into a room, and the nid of the room.</param>
    /// <param name="joined">Called after the commit with the nid of a user of this server who joined a room, and the other servers in it.</param>
    public OutgoingNews(
        FederationSettings settings,
        LocalServer server,
        MemoryBudget memory,
        Action<IReadOnlyList<string>> queued,
        Action<string, long> entered,
        Action<long, IReadOnlyList<string>> joined)
    {
        (_settings, _server, _queued, _entered, _joined) = (settings, server, queued, entered, joined);
        memory.Add(_ofRoom);
    }

    /// <summary>An event was written to the end of a timeline.</summary>
    public void Record(WriteTransaction db, AppendedEvent appended)
    {
        if (!_settings.Enabled)
        {
            return;
        }

        if (Newcomer(db, appended) is { } newcomer)
        {
            db.AfterCommit(() => _entered(newcomer, appended.Room.Nid));
        }

        if (OwnNewcomer(db, appended) is { } user && InRoom(db, appended.Room.Nid) is { Count: > 0 } met)
        {
            db.AfterCommit(() => _joined(user, met));
        }

        if (!appended.IsOutgoing)
        {
            return;
        }

        // A server that left with this very event hears of it, one that came with it does not.
        var servers = appended.IsMove ? OutgoingEventTable.Receivers(db, appended.Room.Nid, appended.Order) : InRoom(db, appended.Room.Nid);
        if (servers.Count > 0)
        {
            OutgoingEventTable.Add(db, appended.Room.Nid, appended.Order);
            db.AfterCommit(() => _queued(servers));
        }

        if (Stranger(db, appended) is { } stranger && !servers.Contains(stranger))
        {
            OutgoingEventTable.AddStranger(db, stranger, appended.Room.Nid, appended.Order);
            db.AfterCommit(() => _queued([stranger]));
        }
    }

    /// <summary>A receipt moved.</summary>
    /// <param name="user">Nid of the user whose it is.</param>
    public void ReceiptMoved(WriteTransaction db, Room room, long user, ReceiptType type)
    {
        if (_settings.Enabled && type == ReceiptType.Read && InRoom(db, room.Nid) is { Count: > 0 } servers
            && _server.Owns(UserTable.Name(db, user)!))
        {
            db.AfterCommit(() => _queued(servers));
        }
    }

    /// <summary>The devices or keys of a user changed; those of other servers' users are for their servers to tell.</summary>
    /// <param name="user">Nid of the user.</param>
    public void DevicesChanged(WriteTransaction db, long user)
    {
        if (_settings.Enabled && _server.Owns(UserTable.Name(db, user)!) && RoomServerTable.SharingRoomWith(db, user) is { Count: > 0 } servers)
        {
            db.AfterCommit(() => _queued(servers));
        }
    }

    /// <summary>A message was sent to devices of another server.</summary>
    /// <param name="content">Of the EDU, JSON.</param>
    public void ToDevice(WriteTransaction db, string server, string content)
    {
        if (!_settings.Enabled)
        {
            return;
        }

        var position = db.NextPosition();
        OutgoingMessageTable.Add(db, server, position, content);
        if (position % TrimEvery == 0)
        {
            OutgoingMessageTable.Trim(db, server, MaxMessages);
        }

        db.AfterCommit(() => _queued([server]));
    }

    /// <summary>The other servers that are in a room.</summary>
    internal IReadOnlyList<string> InRoom(Session db, long room)
    {
        var version = RoomTable.LastJoinChange(db, room);
        if (!_ofRoom.TryGet(room, out var known) || known.Version != version)
        {
            known = (version, RoomServerTable.InRoom(db, room));
            _ofRoom.Set(room, known, EntryBytes + known.Servers.Sum(static server => NameBytes + (2 * server.Length)));
        }

        return known.Servers;
    }

    private long? OwnNewcomer(WriteTransaction db, AppendedEvent appended) =>
        appended is { IsMove: true, Pdu: { Type: EventTypes.Member, StateKey: { } user } } && _server.Owns(user)
            && Memberships.Of(appended.Pdu) is Membership.Join ? UserTable.Find(db, user) : null;

    // A server that comes into a room by way of one server is not known to be in it by the others yet, and is not told what happens there meanwhile.
    private string? Newcomer(WriteTransaction db, AppendedEvent appended)
    {
        if (appended is not { IsMove: true, Pdu: { Type: EventTypes.Member, StateKey: { } user } } || _server.Owns(user)
            || Memberships.Of(appended.Pdu) is not Membership.Join)
        {
            return null;
        }

        var server = ServerOf(user);
        return RoomServerTable.Members(db, appended.Room.Nid, server) == 1 ? server : null;
    }

    // Who is invited is told by the invite itself; that it is taken back, or that a knock is refused, nobody would tell.
    private string? Stranger(WriteTransaction db, AppendedEvent appended)
    {
        if (appended is not { IsMove: true, Pdu: { Type: EventTypes.Member, StateKey: { } user } } || _server.Owns(user)
            || Memberships.Of(appended.Pdu) is not (Membership.Leave or Membership.Ban)
            || EventTable.Find(db, appended.Nid)?.Replaces is not { } replaced
            || EventTable.Find(db, replaced)?.Parse(appended.Room.Version) is not { } before
            || Memberships.Of(before) is not (Membership.Invite or Membership.Knock))
        {
            return null;
        }

        var server = ServerOf(user);
        return server == ServerOf(appended.Pdu.Sender) ? null : server;
    }

    internal static string ServerOf(string userId) => userId[(userId.IndexOf(':') + 1)..];
}
