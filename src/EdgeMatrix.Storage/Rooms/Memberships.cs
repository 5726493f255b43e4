using System.Text.Json;
using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Storage.Rooms;

/// <summary>The names of memberships in events.</summary>
public static class Memberships
{
    /// <summary>The membership that an <c>m.room.member</c> event sets; what is not one counts as <see cref="Membership.Leave"/>.</summary>
    public static Membership Of(Pdu member) =>
        member.Content.TryGetProperty("membership", out var value) && value.ValueKind == JsonValueKind.String
            ? Parse(value.GetString()) ?? Membership.Leave
            : Membership.Leave;

    public static Membership? Parse(string? membership) => membership switch
    {
        "join" => Membership.Join,
        "invite" => Membership.Invite,
        "knock" => Membership.Knock,
        "leave" => Membership.Leave,
        "ban" => Membership.Ban,
        _ => null,
    };

    public static string Name(Membership membership) => membership switch
    {
        Membership.Join => "join",
        Membership.Invite => "invite",
        Membership.Knock => "knock",
        Membership.Ban => "ban",
        _ => "leave",
    };
}
