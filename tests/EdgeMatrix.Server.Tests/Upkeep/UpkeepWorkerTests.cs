using EdgeMatrix.Upkeep;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Upkeep;

public class UpkeepWorkerTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _ran = [];

    [Fact]
    public async Task Jobs_run_a_minute_after_the_start_and_then_at_their_intervals()
    {
        await using var upkeep = Worker(Job("often", TimeSpan.FromMinutes(10), slices: 1), Job("seldom", TimeSpan.FromHours(1), slices: 1));
        await AfterAsync(upkeep, TimeSpan.FromSeconds(59));
        Assert.Empty(_ran);
        await AfterAsync(upkeep, TimeSpan.FromSeconds(1));
        Assert.Equal(["often", "seldom"], _ran);
        await AfterAsync(upkeep, TimeSpan.FromMinutes(10));
        Assert.Equal(["often", "seldom", "often"], _ran);
    }

    [Fact]
    public async Task Jobs_take_turns_slice_by_slice()
    {
        await using var upkeep = Worker(Job("long", TimeSpan.FromHours(1), slices: 3), Job("short", TimeSpan.FromHours(1), slices: 1));
        await AfterAsync(upkeep, UpkeepWorker.FirstRun);
        Assert.Equal(["long", "short", "long", "long"], _ran);
    }

    [Fact]
    public async Task A_job_that_failed_is_logged_and_runs_again_after_its_interval()
    {
        var log = new CountingLogger();
        var fails = new UpkeepJob("fails", TimeSpan.FromMinutes(5), _ =>
        {
            _ran.Add("fails");
            throw new IOException("no");
        });
        await using var upkeep = new UpkeepWorker([fails], _time, log);
        await AfterAsync(upkeep, UpkeepWorker.FirstRun);
        await AfterAsync(upkeep, TimeSpan.FromMinutes(5));
        Assert.Equal(2, _ran.Count);
        Assert.Equal(2, log.Errors);
    }

    [Fact]
    public async Task Whoever_waits_for_the_end_does_not_wait_for_the_rest_after_a_long_slice()
    {
        await using var upkeep = Worker(new UpkeepJob("long", TimeSpan.FromHours(1), _ =>
        {
            _ran.Add("long");
            _time.Advance(TimeSpan.FromMinutes(1));
            return Task.FromResult(false);
        }));
        _time.Advance(UpkeepWorker.FirstRun);
        await upkeep.IdleAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Single(_ran);
    }

    [Fact]
    public async Task Stopping_waits_for_the_slice_under_way_and_begins_no_other()
    {
        var begun = new TaskCompletionSource();
        var ended = new TaskCompletionSource();
        var upkeep = Worker(new UpkeepJob("slow", TimeSpan.FromHours(1), async _ =>
        {
            _ran.Add("slow");
            begun.SetResult();
            await ended.Task;
            return true;
        }));
        _time.Advance(UpkeepWorker.FirstRun);
        await begun.Task;
        var disposed = upkeep.DisposeAsync().AsTask();
        Assert.False(disposed.IsCompleted);
        ended.SetResult();
        await disposed;
        Assert.Single(_ran);
    }

    private UpkeepWorker Worker(params UpkeepJob[] jobs) => new(jobs, _time, NullLogger.Instance);

    private UpkeepJob Job(string name, TimeSpan interval, int slices)
    {
        var left = slices;
        return new UpkeepJob(name, interval, _ =>
        {
            _ran.Add(name);
            left = left == 1 ? slices : left - 1;
            return Task.FromResult(left != slices);
        });
    }

    private async Task AfterAsync(UpkeepWorker upkeep, TimeSpan later)
    {
        _time.Advance(later);
        await upkeep.IdleAsync();
    }

    private sealed class CountingLogger : ILogger
    {
        public int Errors { get; private set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Errors += logLevel == LogLevel.Error ? 1 : 0;
    }
}
