namespace EdgeMatrix.Protocol.RoomVersions;

/// <summary>The room versions that this server can take part in.</summary>
public static class RoomVersions
{
    /// <summary>What a new room gets unless its creator asks otherwise.</summary>
    public const string Default = "12";

    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v10/</remarks>
    public static RoomVersion V10 { get; } = new()
    {
        Id = "10",
        Redaction = RedactionRules.V9,
        StateResolution = StateResolutionVersion.V2,
        EnforcesKeyValidity = true,
        CreatorInContent = true,
    };

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

    /// <summary>Oldest first.</summary>
    public static IReadOnlyList<RoomVersion> All { get; } = [V10, V11, V12];

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
