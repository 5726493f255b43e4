using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Storage;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>What became of an event of another server.</summary>
/// <param name="Outcome">
/// <see cref="ReceiptOutcome.Accepted"/> as well for one that was here before. Null: nothing was done, as it cannot be judged before
/// <paramref name="Missing"/> is here.
/// </param>
/// <param name="Refusal">Why it was rejected or soft-failed; null if it was not.</param>
/// <param name="Missing">Which of the events are not here that it follows, or by which it is allowed.</param>
public sealed record PduReception(Pdu Event, ReceiptOutcome? Outcome, string? Refusal, MissingEvents Missing);

/// <param name="Prev">Ids of the <c>prev_events</c> that are not here, or of which the state after them is not known.</param>
/// <param name="Auth">Ids of the <c>auth_events</c> that are not here.</param>
public sealed record MissingEvents(IReadOnlyList<string> Prev, IReadOnlyList<string> Auth)
{
    public static readonly MissingEvents None = new([], []);

    public bool Any => Prev.Count + Auth.Count > 0;
}

/// <summary>Events of other servers to be judged by their room.</summary>
/// <param name="Events">Of one room, each after those that it follows; they passed the checks that need no room.</param>
public sealed record PduBatch(IReadOnlyList<Pdu> Events)
{
    /// <summary>The other servers in the room are to hear of them from this one.</summary>
    public bool IsOutgoing { get; init; }

    /// <summary>The server that sent them, which is told that they came: what cannot be judged yet is kept until it can. Null: the caller has it still.</summary>
    public string? SentBy { get; init; }

    /// <summary>
    /// By the id of an event, the state before it as another server tells it, where what the event follows is not to be had: it is resolved with
    /// the states after those of its parents that are here.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<StateEntry>>? StatesBefore { get; init; }
}

/// <summary>Events of before others that are here, to be placed in a gap of the timeline.</summary>
/// <param name="Events">Each after those that it follows; they passed the checks that need no room.</param>
public sealed record PastEvents(IReadOnlyList<Pdu> Events)
{
    /// <inheritdoc cref="PduBatch.StatesBefore"/>
    public IReadOnlyDictionary<string, IReadOnlyList<StateEntry>>? StatesBefore { get; init; }

    /// <summary>They are a line of messages right before the event behind the gap: before each the room was what it was before that.</summary>
    public bool LeaveStateAsItIs { get; init; }
}
