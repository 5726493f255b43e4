using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>"If <c>membership</c> is <c>invite</c>": rule 5.3 of v1 to v5, 4.3 of v6 and v7, 4.4 of v8 to v11, 5.4 of v12.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules</remarks>
internal static class InviteAuth
{
    public static AuthVerdict Check(Pdu candidate, string target, RoomAuthState room)
    {
        // If content has a third_party_invite property: …
        if (candidate.Content.Find("third_party_invite"u8) is { } thirdPartyInvite)
        {
            return ThirdPartyInviteAuth.Check(candidate, thirdPartyInvite, target, room);
        }

        // If the sender's current membership state is not join, reject.
        if (room.MembershipOf(candidate.Sender) != "join")
        {
            return AuthVerdict.Reject("who invites is not joined to the room");
        }

        // If target user's current membership state is join or ban, reject.
        if (room.MembershipOf(target) is "join" or "ban")
        {
            return AuthVerdict.Reject("who is invited is joined or banned");
        }

        // If the sender's power level is greater than or equal to the invite level, allow. Otherwise, reject.
        return room.PowerLevels.ForUser(candidate.Sender) >= room.PowerLevels.Invite
            ? AuthVerdict.Allow
            : AuthVerdict.Reject("who invites has a power level below the invite level");
    }
}
