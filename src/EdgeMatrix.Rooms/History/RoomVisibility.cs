using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.History;

/// <summary>Which events of a room one user may see, and what the user's membership was at each.</summary>
/// <remarks>
/// Lives as long as one snapshot; neighbouring events share their state node, so most answers are remembered.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
/// </remarks>
public sealed class RoomVisibility
{
    private readonly Session _db;
    private readonly long _room;
    private readonly RoomVersion _version;
    private readonly string _userId;
    private readonly long _currentState;
    private readonly long _joinedUntil;
    private readonly long _joinedUntilOrder;
    private readonly long? _expiredUntil;
    private readonly Erasures _erasures;
    private Dictionary<string, bool>? _erased;
    private readonly Dictionary<long, (string Visibility, Membership? Membership)> _byNode = [];

    /// <param name="row">That of the room, in the same snapshot.</param>
    public RoomVisibility(Session db, RoomEngine engine, Room room, RoomRow row, long user, string userId)
    {
        _db = db;
        _room = room.Nid;
        _erasures = engine.Erasures;
        _version = room.Version;
        _userId = userId;
        _currentState = row.State;
        Current = MembershipTable.Find(db, room.Nid, user);
        _joinedUntil = LastJoined(Current);
        _joinedUntilOrder = _joinedUntil is 0 or long.MaxValue ? _joinedUntil : EventTable.Find(db, _joinedUntil)?.Timeline ?? _joinedUntil;
        if (engine.Retention.Enabled)
        {
            _expiredUntil = engine.Retention.ExpiredUntil(db, room.Version, row.State, engine.Time.GetUtcNow().ToUnixTimeMilliseconds());
        }
    }

    /// <summary>The user's membership now; null if there never was one.</summary>
    public MembershipRow? Current { get; }

    /// <summary>Every event is seen, whoever the user is.</summary>
    public bool SeesEverything { get; init; }

    /// <summary>Whether the user was ever joined.</summary>
    public bool WasJoined => _joinedUntil > 0;

    /// <summary>The nid of the event up to which the user was last joined: <see cref="long.MaxValue"/> while joined, 0 if never.</summary>
    public long JoinedUntil => _joinedUntil;

    /// <summary>The user's membership just after the event.</summary>
    public Membership? MembershipAt(StoredEvent stored) => At(stored.State).Membership;

    /// <summary>As <see cref="MaySee"/>, of a message that relates to one that the user sees, and so expires after it.</summary>
    /// <param name="order">Of the message.</param>
    /// <param name="state">The node of the state after it.</param>
    public bool MaySeeMessage(long order, long state)
    {
        var (visibility, membership) = At(state);
        return SeesEverything || Allows(visibility, membership, order);
    }

    public bool MaySee(StoredEvent stored)
    {
        // What has expired is gone for everyone at once; upkeep deletes it later.
        if (_expiredUntil is not null && !stored.IsState && RetentionPolicy.HasExpired(stored.Parse(_version), _expiredUntil))
        {
            return false;
        }

        if (SeesEverything)
        {
            return true;
        }

        if (!stored.IsState && !IsForClients(stored, stored.Parse(_version)))
        {
            return false;
        }

        var order = stored.Timeline ?? stored.Nid;
        var (visibility, membership) = At(stored.State);
        if (Allows(visibility, membership, order))
        {
            return true;
        }

        // For m.room.history_visibility events themselves, and a user's own m.room.member events, the state before counts
        // as well: the more lenient of both sides.
        if (!stored.IsState || EventTable.StateKeyOf(_db, stored.Nid) is not { } key)
        {
            return false;
        }

        var before = stored.Replaces is { } replaced ? EventTable.Find(_db, replaced) : null;
        return key switch
        {
            ("m.room.history_visibility", "") => Allows(VisibilityOf(before), membership, order),
            ("m.room.member", var who) when who == _userId => Allows(visibility, MembershipOf(before), order),
            _ => false,
        };
    }

    /// <summary>Whether the user sees the event redacted only, as its sender was erased before the user was ever joined.</summary>
    /// <remarks>"Users which had visibility on those events prior to the erasure are still able to see unredacted copies."</remarks>
    public bool IsErased(StoredEvent stored)
    {
        if (SeesEverything || _erasures.IsNone)
        {
            return false;
        }

        var sender = stored.Parse(_version).Sender;
        _erased ??= new Dictionary<string, bool>(StringComparer.Ordinal);
        if (!_erased.TryGetValue(sender, out var erased))
        {
            erased = sender != _userId && _erasures.Find(_db, sender) is { } position && !WasJoinedBefore(position);
            _erased[sender] = erased;
        }

        return erased;
    }

    /// <summary>Whether a message is for clients at all.</summary>
    /// <remarks>
    /// Spec: https://spec.matrix.org/v1.19/rooms/v3/#handling-redactions
    /// "If the server would apply a redaction, the redaction event is also sent to clients. Otherwise, the server simply waits for a valid partner event".
    /// </remarks>
    private bool IsForClients(StoredEvent stored, Pdu message) => message.Type switch
    {
        BranchUpkeep.DummyType => false,

        // What it redacted one that was redacted itself tells no longer.
        "m.room.redaction" when _version.EventIdFormat != EventIdFormat.Chosen && !stored.Flags.HasFlag(EventFlags.Redacted) =>
            message.Redacts is { } target
            && EventTable.Find(_db, target) is { } redacted
            && redacted.Room == _room
            && redacted.Flags.HasFlag(EventFlags.Redacted),
        _ => true,
    };

    // By the order: what was fetched later stands where it was sent.
    private bool Allows(string visibility, Membership? membership, long order) =>
        // 1. If the history_visibility was set to world_readable, allow. 2. If the user's membership was join, allow.
        visibility == "world_readable"
        || membership == Membership.Join
        // 3. If history_visibility was set to shared, and the user joined the room at any point after the event was sent, allow.
        || (visibility == "shared" && order <= _joinedUntilOrder)
        // 4. If the user's membership was invite, and the history_visibility was set to invited, allow.
        || (visibility == "invited" && membership == Membership.Invite);

    private (string Visibility, Membership? Membership) At(long node)
    {
        if (!_byNode.TryGetValue(node, out var known))
        {
            known = (
                VisibilityOf(RoomStateReader.FindStored(_db, node, "m.room.history_visibility", "")),
                node == _currentState ? Current?.Membership : MembershipOf(RoomStateReader.FindStored(_db, node, "m.room.member", _userId)));
            _byNode[node] = known;
        }

        return known;
    }

    private string VisibilityOf(StoredEvent? stored)
    {
        // By default if no history_visibility is set, or if the value is not understood, the visibility is assumed to be shared.
        if (stored is null
            || !stored.Parse(_version).Content.TryGetProperty("history_visibility", out var value)
            || value.ValueKind != JsonValueKind.String)
        {
            return "shared";
        }

        return value.GetString() is ("world_readable" or "shared" or "invited" or "joined") and { } known ? known : "shared";
    }

    private Membership? MembershipOf(StoredEvent? stored) =>
        stored is null ? null : Memberships.Of(stored.Parse(_version));

    private bool WasJoinedBefore(long position)
    {
        for (var nid = Current?.Event; nid is not null;)
        {
            var stored = EventTable.Find(_db, nid.Value);
            if (nid < position && MembershipOf(stored) == Membership.Join)
            {
                return true;
            }

            nid = stored?.Replaces;
        }

        return false;
    }

    // The chain of replaced member events is the history of the user's membership.
    private long LastJoined(MembershipRow? current)
    {
        // "a user will no longer be able to retrieve history for this room."
        if (current is not { } row || row.Forgotten)
        {
            return 0;
        }

        if (row.Membership == Membership.Join)
        {
            return long.MaxValue;
        }

        for (long? nid = row.Event; nid is not null;)
        {
            var stored = EventTable.Find(_db, nid.Value);
            var before = stored?.Replaces is { } replaced ? EventTable.Find(_db, replaced) : null;
            if (MembershipOf(before) == Membership.Join)
            {
                return nid.Value;
            }

            nid = before?.Nid;
        }

        return 0;
    }
}
