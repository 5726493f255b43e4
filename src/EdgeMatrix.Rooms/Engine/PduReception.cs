using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;

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
