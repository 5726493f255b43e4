using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Typing;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync.Filters;
using EdgeMatrix.Sync.Rooms;

namespace EdgeMatrix.Sync;

/// <summary>One look for news: the snapshot, the stretch of the stream, and what was read of it so far.</summary>
/// <param name="since">From where on (exclusive) news is looked for; null in an initial sync.</param>
/// <param name="upTo">Up to where (inclusive); the snapshot may have later rows, which are left for the next sync.</param>
internal sealed class SyncRound(
    Session db,
    RoomEngine engine,
    TypingUsers typing,
    LazyLoadedMembers lazyMembers,
    MemberKeys memberKeys,
    SyncRequest request,
    SyncToken? since,
    SyncToken upTo)
{
    private readonly Dictionary<string, long?> _memberKeys = [];
    private HashSet<string>? _ignored;

    public Session Db => db;

    public RoomEngine Engine => engine;

    public SyncRequest Request => request;

    public SyncFilter Filter => request.Filter;

    public SyncToken? Since => since;

    public SyncToken UpTo => upTo;

    public TypingUsers Typing => typing;

    public LazyLoadedMembers LazyMembers => lazyMembers;

    public long Now { get; } = engine.Time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The users whose events the asking user does not want.</summary>
    public HashSet<string> Ignored => _ignored ??= IgnoredUsers.Read(db, request.User);

    /// <summary>The room, unless the filter leaves it out.</summary>
    public (Room Room, RoomRow Row)? FindRoom(long nid) =>
        RoomTable.Find(db, nid) is { } row && request.Filter.MatchesRoom(row.RoomId) && engine.Find(db, row) is { } room
            ? (room, row)
            : null;

    /// <summary>Nid of the state key of a member; null if no member of that name was ever seen.</summary>
    public long? MemberKey(string userId)
    {
        if (!_memberKeys.TryGetValue(userId, out var key))
        {
            _memberKeys[userId] = key = StateKeyTable.Find(db, "m.room.member", userId);
        }

        return key;
    }

    public bool IsMemberKey(long key) => memberKeys.Contains(db, key);

    /// <summary>The node of the room's state when the timeline had come to an order; null if there was no timeline then.</summary>
    public long? StateAt(Room room, long order) =>
        EventTable.Backward(db, room.Nid, order, long.MinValue, 1) is [var last] ? CurrentStateTable.After(db, last) : null;

    /// <summary>A membership as it was at the end of this round's stretch; null if there was none then.</summary>
    public MembershipRow? AtEnd(Room room, MembershipRow row) => At(room, row, upTo.Position);

    /// <summary>As <see cref="AtEnd"/>, at the beginning of the stretch; null in an initial sync, too.</summary>
    public MembershipRow? AtStart(Room room, MembershipRow row) => since is { } start ? At(room, row, start.Position) : null;

    /// <summary>Whether a membership was a joined one at a stream position.</summary>
    public bool IsJoined(MembershipRow row, long position) => row.Position <= position
        ? row.Membership == Membership.Join
        : RoomTable.Find(db, row.Room) is { } found && engine.Find(db, found) is { } room && At(room, row, position)?.Membership == Membership.Join;

    private MembershipRow? At(Room room, MembershipRow row, long position)
    {
        // The chain of replaced member events is the history of the membership.
        while (row.Position > position)
        {
            if (EventTable.Find(db, row.Event)?.Replaces is not { } nid || EventTable.Find(db, nid) is not { } before)
            {
                return null;
            }

            row = row with { Event = nid, Position = before.Timeline ?? nid, Membership = Memberships.Of(Parse(room, before)) };
        }

        return row;
    }

    /// <summary>The asking user's membership in a state; null if there is none.</summary>
    public Membership? OwnMembership(Room room, long node) =>
        MemberKey(request.UserId) is { } key && StateNodes.Find(db, node, key) is { } nid ? MembershipOf(room, nid) : null;

    public static Pdu Parse(Room room, StoredEvent stored) => stored.Parse(room.Version);

    private Membership? MembershipOf(Room room, long member) =>
        EventTable.Find(db, member) is { } stored ? Memberships.Of(Parse(room, stored)) : null;
}
