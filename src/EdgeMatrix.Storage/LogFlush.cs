namespace EdgeMatrix.Storage;

/// <summary>
/// When a log that commits do not wait for must reach the disk: an interval after the first commit that it may not have. Belongs to
/// whoever writes; it wakes the writer's thread.
/// </summary>
internal sealed class LogFlush : IDisposable
{
    private readonly TimeSpan _interval;
    private readonly ITimer _timer;
    private volatile bool _isTime;
    private bool _pending;

    /// <param name="wake">Makes the writer look whether it is time; called on another thread.</param>
    public LogFlush(TimeSpan interval, TimeProvider time, Action wake)
    {
        _interval = interval;
        _timer = time.CreateTimer(
            _ =>
            {
                _isTime = true;
                wake();
            },
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    public bool IsDue => _pending && _isTime;

    /// <summary>There is a commit that the disk may not have.</summary>
    public void Written()
    {
        if (!_pending)
        {
            _pending = true;
            _isTime = false;
            _timer.Change(_interval, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The disk has every commit.</summary>
    public void Flushed() => _pending = false;

    public void Dispose() => _timer.Dispose();
}
