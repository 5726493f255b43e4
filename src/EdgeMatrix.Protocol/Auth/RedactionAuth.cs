using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>Whether a redaction may redact: in room versions 1 and 2 an authorisation rule, since then asked when it is applied.</summary>
public static class RedactionAuth
{
    /// <summary>
    /// Whether the redaction, which the authorisation rules allowed, takes from its target what redaction takes. Both are of one room.
    /// </summary>
    /// <param name="powerLevels">Those at the redaction.</param>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v3/#handling-redactions</remarks>
    public static bool Applies(Pdu redaction, Pdu target, PowerLevels powerLevels)
    {
        // "In room versions 1 and 2, redactions were explicitly part of the authorisation rules."
        if (redaction.Version.AuthorisesRedactions)
        {
            return true;
        }

        // The power level of the redaction event's sender is greater than or equal to the redact level.
        // The domain of the redaction event's sender matches that of the original event's sender.
        return powerLevels.ForUser(redaction.Sender) >= powerLevels.Redact
            || UserId.ServerOf(redaction.Sender).SequenceEqual(UserId.ServerOf(target.Sender));
    }

    /// <summary>"If type is <c>m.room.redaction</c>": rule 11 of v1 and v2.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v1/#authorisation-rules</remarks>
    internal static AuthVerdict Check(Pdu candidate, PowerLevels powerLevels)
    {
        // If the sender's power level is greater than or equal to the redact level, allow.
        if (powerLevels.ForUser(candidate.Sender) >= powerLevels.Redact)
        {
            return AuthVerdict.Allow;
        }

        // If the domain of the event_id of the event being redacted is the same as the domain of the event_id of the m.room.redaction,
        // allow. Otherwise, reject.
        return EventId.TryServerOf(candidate.EventId, out var server)
            && EventId.TryServerOf(candidate.Redacts, out var targetServer)
            && server.SequenceEqual(targetServer)
                ? AuthVerdict.Allow
                : AuthVerdict.Reject("the sender's power level is below the redact level, and the event to redact is of another server");
    }
}
