using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>What the checks from the fourth on have to know of the room.</summary>
public sealed record ReceiptContext
{
    /// <summary>
    /// The event of an id that the received event cites, rejected or not: of its <c>auth_events</c>, or its <c>prev_state_events</c>. All
    /// of them must be here; which are missing is to be found out, and asked for, before.
    /// </summary>
    public required Func<string, Pdu> Cited { get; init; }

    /// <summary>Whether the event of an id was rejected when it was received.</summary>
    public required Func<string, bool> IsRejected { get; init; }

    /// <summary>The create event that the room id names, where it is one (12 on); null if this server has none, or rejected it.</summary>
    public required Pdu? Create { get; init; }

    /// <summary>The state before the event: the resolution of the states after those that it follows.</summary>
    public required StateLookup StateBefore { get; init; }

    /// <summary>"The resolved state across all forward extremities."</summary>
    public required StateLookup CurrentState { get; init; }

    /// <summary>The policy server that the room uses by its current state; null if it uses none.</summary>
    public PolicyServer? PolicyServer { get; init; }
}
