using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>"Whenever a server receives an event from a remote server, the receiving server must ensure that the event:</summary>
/// <remarks>
/// 1. Is a valid event, otherwise it is dropped.
/// 2. Passes signature checks, otherwise it is dropped.
/// 3. Passes hash checks, otherwise it is redacted before being processed further.
/// 4. Passes authorisation rules based on the event's auth events, otherwise it is rejected.
/// 5. Passes authorisation rules based on the state before the event, otherwise it is rejected.
/// 6. Passes authorisation rules based on the current state of the room, otherwise it is "soft failed".
/// 7. Is validated by the Policy Server, if the room is using a Policy Server, otherwise it is "soft failed"."
/// <para>
/// The first three need only keys; between them and the others lies the work of finding what the event cites, and the state before it.
/// </para>
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
/// </remarks>
public static class ReceiptChecks
{
    /// <summary>Checks 1 to 3.</summary>
    public static ReceiptVerdict CheckAlone(ReadOnlyMemory<byte> untrustedJson, RoomVersion version, KeyLookup keys) =>
        CheckAlone(ReceivedEvent.Of(untrustedJson, version, keys));

    /// <summary>Checks 1 to 3, where they were made for many events at once.</summary>
    public static ReceiptVerdict CheckAlone(ReceivedEvent received)
    {
        if (received.Parse.Event is null)
        {
            return new ReceiptVerdict(null, ReceiptOutcome.Dropped, ReceiptCheck.Format, received.Parse.Refusal);
        }

        if (!received.Signatures.IsValid)
        {
            return new ReceiptVerdict(null, ReceiptOutcome.Dropped, ReceiptCheck.Signatures, received.Signatures.ToString());
        }

        return new ReceiptVerdict(received.Event, ReceiptOutcome.Accepted, ReceiptCheck.None, null) { Redacted = !received.HashMatches };
    }

    /// <summary>Checks 4 to 7, of an event that passed the first three.</summary>
    public static ReceiptVerdict CheckInRoom(ReceiptVerdict received, ReceiptContext room)
    {
        if (received.Event is not { } candidate)
        {
            return received;
        }

        var byAuthEvents = CheckAuthEvents(candidate, room);
        if (!byAuthEvents.Allowed)
        {
            return Fail(ReceiptOutcome.Rejected, ReceiptCheck.AuthEvents, byAuthEvents.Refusal);
        }

        var byStateBefore = CheckStateBefore(candidate, room);
        if (!byStateBefore.Allowed)
        {
            return Fail(ReceiptOutcome.Rejected, ReceiptCheck.StateBefore, byStateBefore.Refusal);
        }

        // MSC4242: "Only non-state message events are subject to soft-failure."
        if (candidate.Version.StateSource == StateSource.PrevStateEvents && candidate.IsState)
        {
            return received;
        }

        var byCurrentState = CheckCurrentState(candidate, room);
        if (!byCurrentState.Allowed)
        {
            return Fail(ReceiptOutcome.SoftFailed, ReceiptCheck.CurrentState, byCurrentState.Refusal);
        }

        return room.PolicyServer is null || room.PolicyServer.Recommends(candidate)
            ? received
            : Fail(ReceiptOutcome.SoftFailed, ReceiptCheck.PolicyServer, "the policy server of the room did not sign the event");

        ReceiptVerdict Fail(ReceiptOutcome outcome, ReceiptCheck failed, string? refusal) =>
            received with { Outcome = outcome, Failed = failed, Refusal = refusal };
    }

    /// <summary>Check 4. A version with a state DAG has no auth events of its own making, and its prev state events are looked at.</summary>
    public static AuthVerdict CheckAuthEvents(Pdu candidate, ReceiptContext room) =>
        CheckAuthEvents(candidate, room.Cited, room.IsRejected, room.Create);

    /// <inheritdoc cref="CheckAuthEvents(Pdu, ReceiptContext)"/>
    /// <param name="cited">As <see cref="ReceiptContext.Cited"/>.</param>
    /// <param name="isRejected">As <see cref="ReceiptContext.IsRejected"/>.</param>
    /// <param name="create">As <see cref="ReceiptContext.Create"/>.</param>
    public static AuthVerdict CheckAuthEvents(Pdu candidate, Func<string, Pdu> cited, Func<string, bool> isRejected, Pdu? create)
    {
        if (candidate.Version.StateSource == StateSource.PrevStateEvents)
        {
            return EventAuth.CheckPrevStateEvents(candidate, [.. candidate.PrevStateEvents.Select(cited)], isRejected);
        }

        // One for each entry, so that an event that is cited twice is there twice.
        Pdu[] authEvents = [.. candidate.AuthEvents.Select(cited)];
        var verdict = EventAuth.CheckAuthEvents(candidate, authEvents);
        if (!verdict.Allowed || candidate.Type == EventTypes.Create)
        {
            return verdict.Allowed ? EventAuth.CheckAgainstState(candidate, static (_, _) => null) : verdict;
        }

        // If there are entries which were themselves rejected under the checks performed on receipt of a PDU, reject.
        if (Array.Find(authEvents, authEvent => isRejected(authEvent.EventId)) is { } rejected)
        {
            return AuthVerdict.Reject($"the auth event {rejected} was itself rejected");
        }

        return EventAuth.CheckAgainstState(candidate, (type, stateKey) =>
            candidate.Version.CreateEventIsRoomId && (type, stateKey) == (EventTypes.Create, "")
                ? create
                : Array.Find(authEvents, authEvent => authEvent.Type == type && authEvent.StateKey == stateKey));
    }

    /// <summary>
    /// Check 5. "The state used in the checks should be calculated as normal, except not updating with the rejected event where it is a
    /// state event."
    /// </summary>
    public static AuthVerdict CheckStateBefore(Pdu candidate, ReceiptContext room) => EventAuth.CheckAgainstState(candidate, room.StateBefore);

    /// <summary>Check 6.</summary>
    public static AuthVerdict CheckCurrentState(Pdu candidate, ReceiptContext room) =>
        EventAuth.CheckAgainstState(candidate, room.CurrentState);
}
