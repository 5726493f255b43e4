namespace EdgeMatrix.Simulation;

/// <summary>The one clock of all servers: it stands still until the simulation lets the next timer fire.</summary>
internal sealed class VirtualTime : TimeProvider
{
    private static readonly DateTimeOffset _start = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000);

    private readonly Lock _lock = new();
    private readonly PriorityQueue<(Timer Timer, long Armed), (long Due, long Order)> _due = new();
    private long _now;
    private long _order;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Since the start.</summary>
    public TimeSpan Now
    {
        get
        {
            lock (_lock)
            {
                return TimeSpan.FromTicks(_now);
            }
        }
    }

    public override DateTimeOffset GetUtcNow() => _start + Now;

    public override long GetTimestamp() => Now.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock to the next timer that is due by then, and queues what it does; if none is, moves it to then.</summary>
    /// <returns>Whether one was fired.</returns>
    public bool FireNext(TimeSpan until)
    {
        lock (_lock)
        {
            while (_due.TryPeek(out var next, out var place) && place.Due <= until.Ticks)
            {
                _due.Dequeue();
                if (next.Timer.Armed == next.Armed)
                {
                    _now = Math.Max(_now, place.Due);
                    next.Timer.Fire();
                    return true;
                }
            }

            _now = Math.Max(_now, until.Ticks);
            return false;
        }
    }

    private sealed class Timer(VirtualTime time, Action callback) : ITimer
    {
        private TimeSpan _period;

        /// <summary>Another number each time it is set.</summary>
        public long Armed { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                _period = period;
                Armed = ++time._order;
                if (dueTime >= TimeSpan.Zero)
                {
                    time._due.Enqueue((this, Armed), (time._now + dueTime.Ticks, Armed));
                }

                return true;
            }
        }

        public void Fire()
        {
            ThreadPool.UnsafeQueueUserWorkItem(static callback => callback(), callback, preferLocal: false);
            if (_period > TimeSpan.Zero)
            {
                Change(_period, _period);
            }
            else
            {
                Armed = 0;
            }
        }

        public void Dispose()
        {
            lock (time._lock)
            {
                Armed = 0;
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
