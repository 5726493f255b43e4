using Microsoft.Data.Sqlite;

namespace EdgeMatrix.Storage;

/// <summary>The reading connections: few, as each has its own page cache, and opened when they are first needed.</summary>
internal sealed class ReaderPool(Func<SqliteConnection> open, EventBodyCodec bodies, int size) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Stack<Snapshot> _idle = new();
    private readonly SemaphoreSlim _free = new(size, size);
    private long _taken;

    /// <summary>How many snapshots were opened.</summary>
    public long Taken => Interlocked.Read(ref _taken);

    public long StatementsRun
    {
        get
        {
            lock (_lock)
            {
                return _idle.Sum(s => s.StatementsRun);
            }
        }
    }

    /// <summary>A snapshot of now; waits for a connection if all are in use.</summary>
    public Snapshot Take()
    {
        _free.Wait();
        Interlocked.Increment(ref _taken);
        Snapshot? snapshot;
        lock (_lock)
        {
            _idle.TryPop(out snapshot);
        }

        try
        {
            snapshot ??= new Snapshot(this, open(), bodies);
            snapshot.Begin();
            return snapshot;
        }
        catch
        {
            snapshot?.Close();
            _free.Release();
            throw;
        }
    }

    public void Return(Snapshot snapshot)
    {
        lock (_lock)
        {
            _idle.Push(snapshot);
        }

        _free.Release();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            while (_idle.TryPop(out var snapshot))
            {
                snapshot.Close();
            }
        }

        _free.Dispose();
    }
}
