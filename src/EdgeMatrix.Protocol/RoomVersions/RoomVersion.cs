using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.RoomVersions;

/// <summary>What differs between room versions, as data. A version states only its change from the one before.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/</remarks>
public sealed record RoomVersion
{
    /// <summary>As in <c>content.room_version</c> of the create event: <c>"10"</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Whether the specification calls it stable, and clients may be offered it.</summary>
    public bool Stable { get; init; } = true;

    public EventIdFormat EventIdFormat { get; init; }

    /// <summary>Which numbers events may hold, and how they are hashed.</summary>
    public CanonicalForm CanonicalForm { get; init; }

    /// <summary>Whether a signature counts only if its key was valid when the event was made (5 on).</summary>
    public bool EnforcesKeyValidity { get; init; }

    /// <summary>What redaction leaves of an event.</summary>
    public required RedactionRules Redaction { get; init; }

    /// <summary>Whether the create event names the creator in <c>content.creator</c> (up to 10); else the creator is its sender.</summary>
    public bool CreatorInContent { get; init; }

    /// <summary>Whether a redaction names its target in <c>content.redacts</c> (11 on); else at the top level of the event.</summary>
    public bool RedactsInContent { get; init; }

    /// <summary>
    /// Whether the room's id is the hash of its create event (12 on). The create event then has no <c>room_id</c>, and no event lists it
    /// among its auth events.
    /// </summary>
    public bool CreateEventIsRoomId { get; init; }

    /// <summary>Whether creators stand above every power level, and may be several (12 on).</summary>
    public bool PrivilegedCreators { get; init; }

    /// <summary>How the states before an event become one where its <c>prev_events</c> disagree.</summary>
    public required StateResolutionVersion StateResolution { get; init; }

    public override string ToString() => Id;
}
