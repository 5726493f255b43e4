using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms;

/// <summary>The names of memberships in events.</summary>
public static class Memberships
{
    /// <summary>The membership that an <c>m.room.member</c> event sets; what is not one counts as <see cref="Membership.Leave"/>.</summary>
    public static Membership Of(Pdu member) => Parse(JsonContent.Text(member.Content, "membership")) ?? Membership.Leave;

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
