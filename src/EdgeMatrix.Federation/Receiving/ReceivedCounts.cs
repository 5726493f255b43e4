using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Rooms.Engine;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>How many events of other servers came to what, since the start.</summary>
public sealed class ReceivedCounts
{
    private readonly long[] _outcomes = new long[Enum.GetValues<ReceiptOutcome>().Length];
    private long _requests;

    /// <summary>Requests to other servers for events that are missing here.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    public long Of(ReceiptOutcome outcome) => Interlocked.Read(ref _outcomes[(int)outcome]);

    public void Add(ReceiptOutcome outcome, long count = 1) => Interlocked.Add(ref _outcomes[(int)outcome], count);

    /// <summary>Those that wait are not counted before it is decided.</summary>
    public void Add(IEnumerable<PduReception> receptions)
    {
        foreach (var reception in receptions)
        {
            if (reception.Outcome is { } outcome)
            {
                Add(outcome);
            }
        }
    }

    internal void AddRequest() => Interlocked.Increment(ref _requests);
}
