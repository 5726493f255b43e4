using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>The room state as the rules ask for it; looked up when asked, so that an event costs only the lookups it needs.</summary>
internal sealed class RoomAuthState(RoomVersion version, Pdu create, StateLookup state)
{
    private PowerLevels? _powerLevels;

    public Pdu Create { get; } = create;

    public RoomCreators Creators { get; } = new(create);

    /// <summary>The room's <c>m.room.power_levels</c>, if it has any.</summary>
    public Pdu? PowerLevelsEvent => state(EventTypes.PowerLevels, "");

    public PowerLevels PowerLevels => _powerLevels ??= PowerLevels.From(version, PowerLevelsEvent, Create);

    /// <summary><c>invite</c> where the room, or its join rules, say nothing.</summary>
    public string JoinRule => state(EventTypes.JoinRules, "")?.Content.StringOrNull("join_rule"u8) ?? "invite";

    /// <summary>Null for someone who was never in any relation to the room.</summary>
    public string? MembershipOf(string userId) => state(EventTypes.Member, userId)?.Content.StringOrNull("membership"u8);

    public Pdu? ThirdPartyInvite(string token) => state(EventTypes.ThirdPartyInvite, token);
}
