using EdgeMatrix.Outbound;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Federation;

namespace EdgeMatrix.Federation.Sending;

/// <summary>Cursors that moved, until they are on the disk: those of all servers that acknowledged in a while go there in one write.</summary>
internal sealed class MovedCursors : IAsyncDisposable
{
    /// <summary>As long as this a cursor may run ahead of the disk.</summary>
    private static readonly TimeSpan _delay = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan _longestWait = TimeSpan.FromMinutes(1);

    private readonly Database _database;
    private readonly DeliveryWorker _worker;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, OutgoingCursor> _moved = new(StringComparer.Ordinal);

    public MovedCursors(Database database, Action<Exception> failed, TimeProvider time, CancellationToken stopping)
    {
        _database = database;
        _worker = new DeliveryWorker(
            async () =>
            {
                await Task.Delay(_delay, time, stopping);
                await WriteAsync();
            },
            failed,
            _longestWait,
            time,
            stopping);
    }

    /// <summary>Null: as it is on the disk.</summary>
    public OutgoingCursor? Find(string server)
    {
        lock (_lock)
        {
            return _moved.TryGetValue(server, out var cursor) ? cursor : null;
        }
    }

    public void Move(string server, OutgoingCursor cursor)
    {
        lock (_lock)
        {
            _moved[server] = cursor;
        }

        _worker.Wake();
    }

    /// <summary>Puts them to the disk now.</summary>
    public async Task WriteAsync()
    {
        List<KeyValuePair<string, OutgoingCursor>> moved;
        lock (_lock)
        {
            moved = [.. _moved];
        }

        if (moved.Count == 0)
        {
            return;
        }

        await _database.WriteAsync(db => moved.ForEach(one => OutgoingCursorTable.Set(db, one.Key, one.Value)));
        lock (_lock)
        {
            // One that moved on meanwhile is written next time.
            moved.ForEach(one => ((ICollection<KeyValuePair<string, OutgoingCursor>>)_moved).Remove(one));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _worker.Running;
        try
        {
            await WriteAsync();
        }
        catch (DatabaseException)
        {
            // What the disk does not take now is told once more after the next start.
        }
    }
}
