using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>What the definitions ask of an event, without its bytes.</summary>
internal sealed class EventFacts(long number, Pdu pdu, string stateKey, bool rejected)
{
    public long Number { get; } = number;

    public string EventId { get; } = pdu.EventId;

    public string Type { get; } = pdu.Type;

    public string StateKey { get; } = stateKey;

    public string Sender { get; } = pdu.Sender;

    public long OriginServerTs { get; } = pdu.OriginServerTs;

    public bool Rejected { get; } = rejected;

    public bool IsPowerEvent { get; } = PowerEvents.IsPowerEvent(pdu);
}
