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

    /// <summary>The greatest <c>depth</c>; an event that follows one of this depth has it too.</summary>
    public long MaxDepth { get; init; }

    /// <summary>What redaction leaves of an event.</summary>
    public required RedactionRules Redaction { get; init; }

    /// <summary>Whether a signature counts only if its key was valid when the event was made (5 on).</summary>
    public bool EnforcesKeyValidity { get; init; }

    /// <summary>Where the state before an event, and what authorises it, are looked for.</summary>
    public StateSource StateSource { get; init; }

    /// <summary>Whether a server may set its own <c>m.room.aliases</c>, whoever is joined, and no other's (up to 5).</summary>
    public bool AliasesAreOfServers { get; init; }

    /// <summary>
    /// Whether the authorisation rules ask if a redaction may redact (1 and 2); else that is asked when it is applied, and the rules take
    /// it for an event like any other.
    /// </summary>
    public bool AuthorisesRedactions { get; init; }

    /// <summary>Whether levels in <c>notifications</c> are guarded like those in <c>events</c> (6 on).</summary>
    public bool GuardsNotificationLevels { get; init; }

    /// <summary>Whether power levels must be integers (10 on); else strings of digits, and fractions cut off, are levels too.</summary>
    public bool IntegerPowerLevels { get; init; }

    /// <summary>Whether there are knocks, and the join rule <c>knock</c> (7 on).</summary>
    public bool Knocking { get; init; }

    /// <summary>Whether there is the join rule <c>restricted</c> (8 on).</summary>
    public bool RestrictedJoins { get; init; }

    /// <summary>Whether there is the join rule <c>knock_restricted</c> (10 on).</summary>
    public bool KnockRestrictedJoins { get; init; }

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
