using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>"If type is <c>m.room.aliases</c>": rule 4 of v1 to v5. Whether the sender is joined is not asked.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v1/#authorisation-rules</remarks>
internal static class AliasesAuth
{
    public static AuthVerdict Check(Pdu candidate)
    {
        // If event has no state_key, reject.
        if (candidate.StateKey is not { } server)
        {
            return AuthVerdict.Reject("an aliases event has no state_key");
        }

        // If sender's domain doesn't match state_key, reject. Otherwise, allow.
        return UserId.ServerOf(candidate.Sender).SequenceEqual(server)
            ? AuthVerdict.Allow
            : AuthVerdict.Reject("the state_key is not the server of the sender");
    }
}
