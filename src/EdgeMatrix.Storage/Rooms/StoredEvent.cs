using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

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

    /// <summary>
    /// What a user of this server is in a room that this server is not in: an outlier that has no place among the room's events. It goes when the
    /// server comes into the room, which has the event itself if it counts there.
    /// </summary>
    Outside = 16,

    /// <summary>The body is the redacted form by no event: its time had come. MSC2228.</summary>
    SelfDestructed = 32,
}

/// <summary>A row of <c>events</c>. Its body is unpacked when first asked for, and parsed once.</summary>
public sealed class StoredEvent
{
    private readonly EventBody _body;

    internal StoredEvent(EventBody body) => _body = body;

    /// <summary>The stream position at which it was stored.</summary>
    public required long Nid { get; init; }

    public required long Room { get; init; }

    /// <summary>Order in the room's timeline; null when it is not part of it.</summary>
    public required long? Timeline { get; init; }

    public required string EventId { get; init; }

    public required EventFlags Flags { get; init; }

    /// <summary>The node of the room's state after the event.</summary>
    public required long State { get; init; }

    /// <summary>The state event whose place it took, or null.</summary>
    public required long? Replaces { get; init; }

    public required bool IsState { get; init; }

    /// <summary>Nid of the device that sent it with a transaction id; null if none did.</summary>
    public required long? Device { get; init; }

    /// <summary>The transaction id that <see cref="Device"/> sent it with.</summary>
    public required string? TransactionId { get; init; }

    /// <summary>What its body takes on the disk.</summary>
    internal int PackedBytes => _body.PackedLength;

    /// <summary>The canonical event, byte for byte as it was signed (or its redacted form).</summary>
    /// <exception cref="DatabaseException">The stored bytes are damaged.</exception>
    public byte[] Json => _body.Json;

    /// <param name="version">That of the event's room.</param>
    public Pdu Parse(RoomVersion version) => _body.Parse(version, EventId);
}

/// <summary>What a new row of <c>events</c> holds besides its nid.</summary>
public readonly record struct NewEvent(
    long Room, long? Timeline, string EventId, long Type, long? StateKey, long Sender, EventFlags Flags, long State, long? Replaces,
    long? Device, string? TransactionId);
