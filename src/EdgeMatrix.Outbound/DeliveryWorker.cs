namespace EdgeMatrix.Outbound;

/// <summary>Delivers to one recipient while there is something to deliver: one run at a time, and after a failure another, the later the more fail in a row.</summary>
/// <param name="deliver">Delivers all there is.</param>
/// <param name="failed">Told of what nobody expected; it is tried again.</param>
/// <param name="longestWait">After so long at the latest it is tried again.</param>
public sealed class DeliveryWorker(
    Func<Task> deliver, Action<Exception> failed, TimeSpan longestWait, TimeProvider time, CancellationToken stopping)
{
    private readonly Lock _lock = new();
    private Task _running = Task.CompletedTask;
    private TaskCompletionSource _retry = new();
    private bool _again;
    private bool _isRunning;
    private int _failures;

    /// <summary>Ends when nothing is under way.</summary>
    public Task Running
    {
        get
        {
            lock (_lock)
            {
                return _running;
            }
        }
    }

    /// <summary>Nothing is under way, and nothing waits for its next attempt.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
            {
                return !_isRunning;
            }
        }
    }

    /// <summary>There is something to deliver.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            _again = true;
            if (!_isRunning && !stopping.IsCancellationRequested)
            {
                _isRunning = true;
                _running = Task.Run(RunAsync);
            }
        }
    }

    /// <summary>Ends the wait for the next attempt, if there is one.</summary>
    public void RetryNow()
    {
        lock (_lock)
        {
            _retry.TrySetResult();
        }
    }

    /// <summary>Something was delivered: the next failure is the first.</summary>
    public void Succeeded() => _failures = 0;

    /// <summary>Waits until it is time for the next attempt.</summary>
    public Task WaitAsync()
    {
        var wait = Backoff.After(++_failures);
        return WaitAsync(() => wait < longestWait ? wait : longestWait);
    }

    /// <summary>Waits as long as somebody else says, or until it is to be tried at once.</summary>
    /// <param name="left">How long still; null: no longer. Asked when <see cref="RetryNow"/> ends the wait already, so that none is missed.</param>
    public async Task WaitAsync(Func<TimeSpan?> left)
    {
        Task retry;
        lock (_lock)
        {
            _retry = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            retry = _retry.Task;
        }

        if (left() is { } wait)
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            var passed = Task.Delay(wait, time, ended.Token);
            await await Task.WhenAny(passed, retry);
            await ended.CancelAsync();
        }
    }

    private bool HasMore()
    {
        lock (_lock)
        {
            _isRunning = _again && !stopping.IsCancellationRequested;
            _again = false;
            return _isRunning;
        }
    }

    private async Task RunAsync()
    {
        while (HasMore())
        {
            try
            {
                await deliver();
                Succeeded();
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
            }
            catch (Exception exception)
            {
                // A disk that is full, say: nobody waits for an answer, so it is told here, and tried again.
                failed(exception);
                lock (_lock)
                {
                    _again = true;
                }

                await WaitAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
