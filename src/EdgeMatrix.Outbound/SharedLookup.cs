namespace EdgeMatrix.Outbound;

/// <summary>
/// Looks things up once for all who ask at the same time, and keeps what was found, or that nothing was, for as long as the look-up says: what is
/// dead is not asked again and again.
/// </summary>
/// <param name="look">
/// Finds the value, and how long it holds; it is given what was found before, if that is remembered. It is not told when a caller gives up, others may
/// wait for the same.
/// </param>
/// <param name="mostKept">So many values; of more, those go that hold the shortest.</param>
public sealed class SharedLookup<TKey, TValue>(
    Func<TKey, TValue?, CancellationToken, Task<(TValue Value, TimeSpan Holds)>> look, int mostKept, TimeProvider time) : IDisposable
    where TKey : notnull
{
    private readonly Dictionary<TKey, Entry> _entries = [];
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();

    /// <exception cref="OperationCanceledException">The caller gave up, or the server stops.</exception>
    public Task<TValue> GetAsync(TKey key, CancellationToken cancellation)
    {
        Entry entry;
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var known) || known.Until <= time.GetUtcNow())
            {
                var before = known is { Value.IsCompletedSuccessfully: true } ? known.Value.Result : default;
                known = new Entry();
                MakeRoom();
                _entries[key] = known;
                known.Value = LookAsync(key, before, known);
            }

            entry = known;
        }

        return entry.Value.WaitAsync(cancellation);
    }

    /// <summary>The next who asks is given what is found then.</summary>
    public void Forget(TKey key)
    {
        lock (_lock)
        {
            _entries.Remove(key);
        }
    }

    /// <summary>Ends what is under way.</summary>
    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
    }

    private async Task<TValue> LookAsync(TKey key, TValue? before, Entry entry)
    {
        // Away from the lock, and from the thread of whoever came first.
        await Task.Yield();
        try
        {
            var (value, holds) = await look(key, before, _end.Token);
            entry.Until = time.GetUtcNow() + holds;
            return value;
        }
        catch
        {
            entry.Until = DateTimeOffset.MinValue;
            throw;
        }
    }

    private void MakeRoom()
    {
        if (_entries.Count < mostKept)
        {
            return;
        }

        var now = time.GetUtcNow();
        foreach (var (key, entry) in _entries)
        {
            if (entry.Until <= now)
            {
                _entries.Remove(key);
            }
        }

        // What is under way holds for ever until it is known better; if all is, the oldest go unremembered.
        while (_entries.Count >= mostKept)
        {
            _entries.Remove(_entries.MinBy(entry => entry.Value.Until).Key);
        }
    }

    private sealed class Entry
    {
        private long _until = DateTimeOffset.MaxValue.UtcTicks;

        public Task<TValue> Value { get; set; } = null!;

        public DateTimeOffset Until
        {
            get => new(Interlocked.Read(ref _until), TimeSpan.Zero);
            set => Interlocked.Exchange(ref _until, value.UtcTicks);
        }
    }
}
