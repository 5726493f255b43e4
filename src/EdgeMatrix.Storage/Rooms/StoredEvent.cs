namespace EdgeMatrix.Storage.Rooms;

[Flags]
public enum EventFlags
{
    None = 0,

    /// <summary>Failed the auth rules: kept as a parent of others, never shown.</summary>
    Rejected = 1,

    /// <summary>Spec: https://spec.matrix.org/v1.19/server-server-api/#soft-failure</summary>
    SoftFailed = 2,

    /// <summary>Not joined to the timeline: known only as somebody's auth event or state.</summary>
    Outlier = 4,

    /// <summary>The body is the redacted form.</summary>
    Redacted = 8,
}

/// <summary>A row of <c>events</c>, its body unpacked.</summary>
/// <param name="Nid">The stream position at which it was stored.</param>
/// <param name="Timeline">Order in the room's timeline; null when it is not part of it.</param>
/// <param name="State">The node of the room's state after the event.</param>
/// <param name="Replaces">The state event whose place it took, or null.</param>
/// <param name="Json">The canonical event, byte for byte as it was signed (or its redacted form).</param>
public sealed record StoredEvent(
    long Nid, long Room, long? Timeline, string EventId, EventFlags Flags, long State, long? Replaces, bool IsState, byte[] Json);

/// <summary>What a new row of <c>events</c> holds besides its nid.</summary>
public readonly record struct NewEvent(
    long Room, long? Timeline, string EventId, long Type, long? StateKey, long Sender, EventFlags Flags, long State, long? Replaces);
