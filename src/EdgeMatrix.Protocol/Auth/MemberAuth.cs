using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>"If type is <c>m.room.member</c>": rule 5 of v1 to v5, 4 of v6 to v11, 5 of v12. A file for join and for invite, the others here.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules</remarks>
internal static class MemberAuth
{
    public static AuthVerdict Check(Pdu candidate, RoomAuthState room)
    {
        // If there is no state_key property, or no membership property in content, reject.
        if (candidate.StateKey is not { } target)
        {
            return AuthVerdict.Reject("a membership event has no state_key");
        }

        if (candidate.Content.Find("membership"u8) is null)
        {
            return AuthVerdict.Reject("a membership event has no membership");
        }

        // v8 on: If content has a join_authorised_via_users_server key: If the event is not validly signed by the homeserver of the user ID
        // denoted by the key, reject. The caller checks the signature; where no user id is denoted, nobody can have signed for it.
        if (candidate.Version.RestrictedJoins
            && candidate.Content.Find("join_authorised_via_users_server"u8) is not null
            && !UserId.TryParse(candidate.Content.StringOrNull("join_authorised_via_users_server"u8), out _))
        {
            return AuthVerdict.Reject("join_authorised_via_users_server is not a user id");
        }

        return candidate.Content.StringOrNull("membership"u8) switch
        {
            "join" => JoinAuth.Check(candidate, target, room),
            "invite" => InviteAuth.Check(candidate, target, room),
            "leave" => CheckLeave(candidate.Version, candidate.Sender, target, room),
            "ban" => CheckBan(candidate.Sender, target, room),
            "knock" when candidate.Version.Knocking => CheckKnock(candidate.Version, candidate.Sender, target, room),

            // Otherwise, the membership is unknown. Reject.
            _ => AuthVerdict.Reject("the membership is unknown"),
        };
    }

    private static AuthVerdict CheckLeave(RoomVersion version, string sender, string target, RoomAuthState room)
    {
        var senderMembership = room.MembershipOf(sender);

        // v1 to v6: If the sender matches state_key, allow if and only if that user's current membership state is invite or join.
        // v7 on: If the sender matches state_key, allow if and only if that user's current membership state is invite, join, or knock.
        if (sender == target)
        {
            return senderMembership is "invite" or "join" || (version.Knocking && senderMembership == "knock")
                ? AuthVerdict.Allow
                : AuthVerdict.Reject("who leaves is neither joined nor invited and has not knocked");
        }

        // If the sender's current membership state is not join, reject.
        if (senderMembership != "join")
        {
            return AuthVerdict.Reject("who kicks is not joined to the room");
        }

        var levels = room.PowerLevels;
        var senderLevel = levels.ForUser(sender);

        // If the target user's current membership state is ban, and the sender's power level is less than the ban level, reject.
        if (room.MembershipOf(target) == "ban" && senderLevel < levels.Ban)
        {
            return AuthVerdict.Reject("who unbans has a power level below the ban level");
        }

        // If the sender's power level is greater than or equal to the kick level, and the target user's power level is less than the
        // sender's power level, allow. Otherwise, reject.
        return senderLevel >= levels.Kick && levels.IsBelow(target, senderLevel)
            ? AuthVerdict.Allow
            : AuthVerdict.Reject("who kicks has a power level below the kick level, or not above the target's");
    }

    private static AuthVerdict CheckBan(string sender, string target, RoomAuthState room)
    {
        // If the sender's current membership state is not join, reject.
        if (room.MembershipOf(sender) != "join")
        {
            return AuthVerdict.Reject("who bans is not joined to the room");
        }

        // If the sender's power level is greater than or equal to the ban level, and the target user's power level is less than the
        // sender's power level, allow. Otherwise, reject.
        var levels = room.PowerLevels;
        var senderLevel = levels.ForUser(sender);
        return senderLevel >= levels.Ban && levels.IsBelow(target, senderLevel)
            ? AuthVerdict.Allow
            : AuthVerdict.Reject("who bans has a power level below the ban level, or not above the target's");
    }

    private static AuthVerdict CheckKnock(RoomVersion version, string sender, string target, RoomAuthState room)
    {
        // v7 to v9: If the join_rule is anything other than knock, reject.
        // v10 on: If the join_rule is anything other than knock or knock_restricted, reject.
        if (room.JoinRule != "knock" && !(version.KnockRestrictedJoins && room.JoinRule == "knock_restricted"))
        {
            return AuthVerdict.Reject("the room does not take knocks");
        }

        // If sender does not match state_key, reject.
        if (sender != target)
        {
            return AuthVerdict.Reject("the sender knocks for somebody else");
        }

        // If the sender's current membership is not ban, invite, or join, allow. Otherwise, reject.
        return room.MembershipOf(sender) is "ban" or "invite" or "join"
            ? AuthVerdict.Reject("who knocks is banned, invited or joined already")
            : AuthVerdict.Allow;
    }
}
