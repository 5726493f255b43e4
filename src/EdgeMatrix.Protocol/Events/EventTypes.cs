namespace EdgeMatrix.Protocol.Events;

/// <summary>The event types that the rules of a room depend on, and those that the protocol treats specially.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#room-events</remarks>
public static class EventTypes
{
    public const string Create = "m.room.create";
    public const string Member = "m.room.member";
    public const string PowerLevels = "m.room.power_levels";
    public const string JoinRules = "m.room.join_rules";
    public const string ThirdPartyInvite = "m.room.third_party_invite";
    public const string HistoryVisibility = "m.room.history_visibility";
    public const string Redaction = "m.room.redaction";

    /// <summary>Historical: the aliases that a server has for the room.</summary>
    public const string Aliases = "m.room.aliases";
}
