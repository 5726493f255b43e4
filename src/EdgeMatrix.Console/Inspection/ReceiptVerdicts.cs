using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Console.Inspection;

/// <summary>Whether an event is allowed where it stands, asked as on its receipt.</summary>
/// <param name="ByAuthEvents">"Passes authorization rules based on the event's auth events, otherwise it is rejected."</param>
/// <param name="ByStateBefore">
/// "Passes authorization rules based on the state before the event, otherwise it is rejected." Null if that state is not known.
/// </param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu</remarks>
internal sealed record ReceiptVerdicts(AuthVerdict ByAuthEvents, AuthVerdict? ByStateBefore)
{
    public bool Rejected => !ByAuthEvents.Allowed || ByStateBefore is { Allowed: false };

    /// <summary>The first refusal, and what it is based on; null if it is allowed.</summary>
    public string? Refusal => ByAuthEvents.Refusal is { } byAuthEvents ? $"by its auth events: {byAuthEvents}"
        : ByStateBefore?.Refusal is { } byState ? $"by the state before it: {byState}"
        : null;

    /// <param name="authEvents">An event of this id, and whether it was rejected; null if it is not known.</param>
    /// <param name="create">The create event of the room, which since version 12 is no auth event.</param>
    /// <param name="stateBefore">Null if it is not known.</param>
    public static ReceiptVerdicts Of(
        Pdu candidate, Func<string, (Pdu Event, bool Rejected)?> authEvents, Pdu? create, StateLookup? stateBefore) => new(
        CheckAuthEvents(candidate, authEvents, create),
        stateBefore is null ? null : EventAuth.CheckAgainstState(candidate, stateBefore));

    private static AuthVerdict CheckAuthEvents(Pdu candidate, Func<string, (Pdu Event, bool Rejected)?> find, Pdu? create) =>
        candidate.AuthEvents.FirstOrDefault(id => find(id) is null) is { } missing
            ? AuthVerdict.Reject($"the auth event {missing} is missing")
            : ReceiptChecks.CheckAuthEvents(candidate, id => find(id)!.Value.Event, id => find(id)!.Value.Rejected, create);
}
