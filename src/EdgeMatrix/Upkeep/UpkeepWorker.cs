namespace EdgeMatrix.Upkeep;

/// <summary>Runs a server's upkeep jobs in the background, one slice of one job at a time, so that requests come between any two.</summary>
/// <remarks>
/// After a slice it rests as long as the slice took, within bounds, so that upkeep has about half of the writer at most. A job that fails is logged and tried
/// again after its interval. On virtual time a slice takes as long as the clock was moved meanwhile: <see cref="IdleAsync"/> tells when all that was due is done.
/// </remarks>
public sealed partial class UpkeepWorker : IAsyncDisposable
{
    /// <summary>From the start of the server to the first run of a job, where its interval is not shorter: whoever starts it is waiting for something else.</summary>
    public static readonly TimeSpan FirstRun = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan MaxRest = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly List<Scheduled> _jobs;
    private readonly ITimer _timer;
    private Task _running = Task.CompletedTask;
    private TaskCompletionSource? _rest;
    private bool _isRunning;
    private int _awaited;
    private long _turns;

    public UpkeepWorker(IEnumerable<UpkeepJob> jobs, TimeProvider time, ILogger logger)
    {
        _time = time;
        _logger = logger;
        var now = time.GetUtcNow();
        _jobs = [.. jobs.Select(job => new Scheduled(job) { Due = now + (job.Interval < FirstRun ? job.Interval : FirstRun) })];
        var first = _jobs.Count > 0 ? _jobs.Min(job => job.Due) - now : Timeout.InfiniteTimeSpan;
        _timer = time.CreateTimer(_ => Begin(), null, first, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Ends when no job is due by the clock; nothing rests while this is awaited.</summary>
    public async Task IdleAsync()
    {
        lock (_lock)
        {
            _awaited++;
            _rest?.TrySetResult();
        }

        Begin();
        await Running();
        lock (_lock)
        {
            _awaited--;
        }
    }

    /// <summary>Begins no slice any more.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopping.Cancel();
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Stops, and waits for the slice that is under way.</summary>
    public async ValueTask DisposeAsync()
    {
        Stop();
        await Running();
        await _timer.DisposeAsync();
    }

    private Task Running()
    {
        lock (_lock)
        {
            return _running;
        }
    }

    private void Begin()
    {
        lock (_lock)
        {
            if (!_isRunning && !_stopping.IsCancellationRequested)
            {
                _isRunning = true;
                _running = Task.Run(RunAsync);
            }
        }
    }

    private async Task RunAsync()
    {
        while (NextDue() is { } due)
        {
            var started = _time.GetTimestamp();
            var more = await RunSliceAsync(due.Job);
            lock (_lock)
            {
                due.Due = _time.GetUtcNow() + (more ? TimeSpan.Zero : due.Job.Interval);
            }

            await RestAsync(_time.GetElapsedTime(started));
        }
    }

    /// <summary>Of the jobs that are due the one whose last turn is longest ago; where none is, the timer is set, and this run is over.</summary>
    private Scheduled? NextDue()
    {
        lock (_lock)
        {
            if (!_stopping.IsCancellationRequested)
            {
                var now = _time.GetUtcNow();
                if (_jobs.Where(job => job.Due <= now).MinBy(job => job.LastTurn) is { } due)
                {
                    due.LastTurn = ++_turns;
                    return due;
                }

                if (_jobs.Count > 0)
                {
                    _timer.Change(_jobs.Min(job => job.Due) - now, Timeout.InfiniteTimeSpan);
                }
            }

            _isRunning = false;
            return null;
        }
    }

    private async Task<bool> RunSliceAsync(UpkeepJob job)
    {
        try
        {
            return await job.SliceAsync(_stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception exception)
        {
            // Nobody waits for an answer: told here, and tried again.
            Log.JobFailed(_logger, job.Name, exception);
            return false;
        }
    }

    private async Task RestAsync(TimeSpan rest)
    {
        var ending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (rest <= TimeSpan.Zero || _awaited > 0)
            {
                return;
            }

            _rest = ending;
        }

        await Task.WhenAny(Task.Delay(rest < MaxRest ? rest : MaxRest, _time, _stopping.Token), ending.Task);
        lock (_lock)
        {
            _rest = null;
        }
    }

    private sealed class Scheduled(UpkeepJob job)
    {
        public UpkeepJob Job => job;

        public DateTimeOffset Due { get; set; }

        public long LastTurn { get; set; }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3001, Level = LogLevel.Error, Message = "Upkeep failed, and is tried again later: {Job}")]
        public static partial void JobFailed(ILogger logger, string job, Exception exception);
    }
}
