using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Sync.Filters;

namespace EdgeMatrix.Sync;

/// <summary>Which property of a room carries the state, by what the client asked for.</summary>
public enum StateProperty
{
    /// <summary><c>state</c>: the state before the timeline.</summary>
    State,

    /// <summary><c>state_after</c>: the state after the timeline.</summary>
    StateAfter,

    /// <summary><c>org.matrix.msc4222.state_after</c>: as <see cref="StateAfter"/>, by its name before the release (MSC4222).</summary>
    UnstableStateAfter,
}

/// <summary>One request for what is new.</summary>
/// <param name="User">Nid of the user.</param>
/// <param name="Device">Nid of the device, which alone is told its transaction ids.</param>
/// <param name="Since">Null for an initial sync.</param>
/// <param name="Timeout">How long to wait for news when there are none.</param>
/// <param name="Presence">What the client says of its user; offline: it is not to show.</param>
/// <param name="FullState">The whole state of every room is wanted, not only what changed.</param>
public sealed record SyncRequest(
    long User,
    string UserId,
    long Device,
    SyncToken? Since,
    TimeSpan Timeout,
    SyncFilter Filter,
    bool FullState,
    StateProperty StateProperty,
    PresenceState Presence);
