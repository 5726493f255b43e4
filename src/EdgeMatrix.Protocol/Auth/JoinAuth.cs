using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>"If <c>membership</c> is <c>join</c>": rule 5.2 of v1 to v5, 4.2 of v6 and v7, 4.3 of v8 to v11, 5.3 of v12.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules</remarks>
internal static class JoinAuth
{
    public static AuthVerdict Check(Pdu candidate, string target, RoomAuthState room)
    {
        // v1 to v10: If the only previous event is an m.room.create and the state_key is the creator, allow.
        // v11, v12: If the only previous event is an m.room.create and the state_key is the sender of the m.room.create, allow.
        if (candidate.PrevEvents is [var only] && only == room.Create.EventId && target == room.Creators.First)
        {
            return AuthVerdict.Allow;
        }

        // If the sender does not match state_key, reject.
        if (candidate.Sender != target)
        {
            return AuthVerdict.Reject("the sender joins for somebody else");
        }

        // If the sender is banned, reject.
        var membership = room.MembershipOf(target);
        if (membership == "ban")
        {
            return AuthVerdict.Reject("who joins is banned");
        }

        switch (room.JoinRule)
        {
            // v1 to v6: If the join_rule is invite then allow if membership state is invite or join.
            // v7 on: If the join_rule is invite or knock then allow if membership state is invite or join.
            case "invite":
            case "knock" when candidate.Version.Knocking:
                return membership is "invite" or "join"
                    ? AuthVerdict.Allow
                    : AuthVerdict.Reject("who joins is not invited");

            // v8, v9: If the join_rule is restricted: …
            // v10 on: If the join_rule is restricted or knock_restricted: …
            case "restricted" when candidate.Version.RestrictedJoins:
            case "knock_restricted" when candidate.Version.KnockRestrictedJoins:
                return CheckRestricted(candidate, membership, room);

            // If the join_rule is public, allow.
            case "public":
                return AuthVerdict.Allow;

            // Otherwise, reject.
            default:
                return AuthVerdict.Reject("the join rule lets nobody in");
        }
    }

    private static AuthVerdict CheckRestricted(Pdu candidate, string? membership, RoomAuthState room)
    {
        // If membership state is join or invite, allow.
        if (membership is "join" or "invite")
        {
            return AuthVerdict.Allow;
        }

        // If the join_authorised_via_users_server key in content is not a user with sufficient permission to invite other users or is
        // not a joined member of the room, reject.
        if (candidate.Content.StringOrNull("join_authorised_via_users_server"u8) is not { } authoriser)
        {
            return AuthVerdict.Reject("the join is restricted, and nobody in the room authorised it");
        }

        if (room.MembershipOf(authoriser) != "join")
        {
            return AuthVerdict.Reject("who authorised the restricted join is not joined to the room");
        }

        // Otherwise, allow.
        return room.PowerLevels.ForUser(authoriser) >= room.PowerLevels.Invite
            ? AuthVerdict.Allow
            : AuthVerdict.Reject("who authorised the restricted join has a power level below the invite level");
    }
}
