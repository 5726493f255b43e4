namespace EdgeMatrix.Testing;

/// <summary>What lies between two servers of a <see cref="TestNetwork"/>.</summary>
public sealed class TestLink
{
    private readonly Lock _lock = new();
    private bool _cut;
    private TimeSpan _delay;
    private int _requestsToLose;
    private int _answersToLose;
    private TaskCompletionSource _lost = new();

    /// <summary>Ends when the first of what was last told to be lost is lost.</summary>
    public Task Lost => Locked(() => _lost.Task);

    /// <summary>From now on requests fail at once, as where there is no route, and so do those on their way.</summary>
    public void Cut() => Locked(() => _cut = true);

    public void Mend() => Locked(() => _cut = false);

    /// <summary>How long each request takes more than the server needs to answer it.</summary>
    public void Delay(TimeSpan delay) => Locked(() => _delay = delay);

    /// <summary>The next requests never arrive. Their sender hears nothing, until it gives up.</summary>
    public void LoseRequests(int count) => Locked(() => (_requestsToLose, _lost) = (count, NewLoss()));

    /// <summary>The next requests arrive and are served, but their sender hears nothing.</summary>
    public void LoseAnswers(int count) => Locked(() => (_answersToLose, _lost) = (count, NewLoss()));

    internal async Task CarryRequestAsync(TimeProvider time, CancellationToken cancellation)
    {
        await Task.Delay(Whole(), time, cancellation);
        await CarryAsync(Take(ref _requestsToLose), time, cancellation);
    }

    internal Task CarryAnswerAsync(TimeProvider time, CancellationToken cancellation) => CarryAsync(Take(ref _answersToLose), time, cancellation);

    private async Task CarryAsync(bool loses, TimeProvider time, CancellationToken cancellation)
    {
        _ = Whole();
        if (loses)
        {
            Locked(() => _lost.TrySetResult());
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellation);
        }
    }

    private static TaskCompletionSource NewLoss() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private TimeSpan Whole() =>
        Locked(() => _cut ? throw new HttpRequestException(HttpRequestError.ConnectionError, "the link is cut") : _delay);

    private bool Take(ref int left)
    {
        lock (_lock)
        {
            return left > 0 && left-- > 0;
        }
    }

    private T Locked<T>(Func<T> act)
    {
        lock (_lock)
        {
            return act();
        }
    }
}
