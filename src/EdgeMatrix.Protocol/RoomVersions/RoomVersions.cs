using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.RoomVersions;

/// <summary>The room versions that this server can take part in.</summary>
public static class RoomVersions
{
    /// <summary>What a new room gets unless its creator asks otherwise.</summary>
    public const string Default = "12";

    /// <summary>The first.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v1/</remarks>
    public static RoomVersion V1 { get; } = new()
    {
        Id = "1",
        EventIdFormat = EventIdFormat.Chosen,
        CanonicalForm = CanonicalForm.Lenient,
        MaxDepth = long.MaxValue,
        Redaction = RedactionRules.V1,
        StateResolution = StateResolutionVersion.V1,
        AliasesAreOfServers = true,
        AuthorisesRedactions = true,
        CreatorInContent = true,
    };

    /// <summary>Resolves state by another algorithm.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v2/</remarks>
    public static RoomVersion V2 { get; } = V1 with { Id = "2", StateResolution = StateResolutionVersion.V2 };

    /// <summary>Names events after their hash, and leaves it to whoever applies a redaction whether it may redact.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v3/</remarks>
    public static RoomVersion V3 { get; } = V2 with { Id = "3", EventIdFormat = EventIdFormat.Hash, AuthorisesRedactions = false };

    /// <summary>Spells that hash so that it needs no escape in a URL.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v4/</remarks>
    public static RoomVersion V4 { get; } = V3 with { Id = "4", EventIdFormat = EventIdFormat.UrlSafeHash };

    /// <summary>Heeds until when a signing key is valid.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v5/</remarks>
    public static RoomVersion V5 { get; } = V4 with { Id = "5", EnforcesKeyValidity = true };

    /// <summary>Enforces canonical JSON, takes from <c>m.room.aliases</c> what was special, and guards notification levels.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v6/</remarks>
    public static RoomVersion V6 { get; } = V5 with
    {
        Id = "6",
        CanonicalForm = CanonicalForm.Strict,
        MaxDepth = CanonicalJson.MaxInteger,
        Redaction = RedactionRules.V6,
        AliasesAreOfServers = false,
        GuardsNotificationLevels = true,
    };

    /// <summary>Lets people knock.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v7/</remarks>
    public static RoomVersion V7 { get; } = V6 with { Id = "7", Knocking = true };

    /// <summary>Lets the members of other rooms join.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v8/</remarks>
    public static RoomVersion V8 { get; } = V7 with { Id = "8", Redaction = RedactionRules.V8, RestrictedJoins = true };

    /// <summary>Keeps, when such a join is redacted, what authorised it.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v9/</remarks>
    public static RoomVersion V9 { get; } = V8 with { Id = "9", Redaction = RedactionRules.V9 };

    /// <summary>Takes only integers for power levels, and lets members of other rooms join where others knock.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v10/</remarks>
    public static RoomVersion V10 { get; } = V9 with { Id = "10", IntegerPowerLevels = true, KnockRestrictedJoins = true };

    /// <summary>Clarifies redaction: <c>content.creator</c> goes, <c>redacts</c> moves into the content.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v11/</remarks>
    public static RoomVersion V11 { get; } = V10 with
    {
        Id = "11",
        Redaction = RedactionRules.V11,
        CreatorInContent = false,
        RedactsInContent = true,
    };

    /// <summary>
    /// Names the room after the hash of its create event, sets creators above the power levels, and replays more in state resolution.
    /// </summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/</remarks>
    public static RoomVersion V12 { get; } = V11 with
    {
        Id = "12",
        StateResolution = StateResolutionVersion.V2_1,
        CreateEventIsRoomId = true,
        PrivilegedCreators = true,
    };

    /// <summary>
    /// State DAGs, as their proposal stands: events, rules and checks, for those who try it. It is none of <see cref="All"/>, for what
    /// servers ask each other in such rooms is not settled.
    /// </summary>
    /// <remarks>MSC4242: https://github.com/matrix-org/matrix-spec-proposals/pull/4242</remarks>
    public static RoomVersion Msc4242 { get; } = V12 with
    {
        Id = "org.matrix.msc4242.12",
        Stable = false,
        Redaction = RedactionRules.Msc4242,
        StateSource = StateSource.PrevStateEvents,
    };

    /// <summary>Oldest first.</summary>
    public static IReadOnlyList<RoomVersion> All { get; } = [V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12];

    /// <summary>The version of that id; null if this server does not know it.</summary>
    public static RoomVersion? Find(string id)
    {
        foreach (var version in All)
        {
            if (version.Id == id)
            {
                return version;
            }
        }

        return null;
    }
}
