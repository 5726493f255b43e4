using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Federation.Devices;

/// <summary>
/// Asks servers again for lists of which an update is missing: one list of a server at a time, some servers at a time, and those that do not
/// answer when they are heard from, or are due to be tried. That a list is stale is on the disk, so none is forgotten.
/// </summary>
public sealed class DeviceListResync(
    Database database, Destinations destinations, RemoteDeviceLists lists, DeviceListFetcher fetcher) : IAsyncDisposable
{
    private const int AtOnce = 8;

    // Those beyond are found by the next slice.
    private const int MostWaiting = 1_000;
    private const int ServersInSlice = 50;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Work> _running = new(StringComparer.Ordinal);
    private readonly HashSet<string> _waiting = new(StringComparer.Ordinal);
    private string _sliceAfter = "";
    private bool _isStopping;

    /// <summary>A list of the server is stale, or the server is there again.</summary>
    public void Wake(string server)
    {
        lock (_lock)
        {
            if (_isStopping)
            {
                return;
            }

            if (_running.TryGetValue(server, out var work))
            {
                work.Again = true;
            }
            else if (_running.Count < AtOnce)
            {
                Begin(server);
            }
            else if (_waiting.Count < MostWaiting)
            {
                _waiting.Add(server);
            }
        }
    }

    /// <summary>Upkeep: wakes those servers of which lists are stale and that may be asked now.</summary>
    public Task<bool> SliceAsync()
    {
        var servers = new List<string>();
        using (var snapshot = database.OpenSnapshot())
        {
            while (servers.Count < ServersInSlice && RemoteDeviceListTable.NextStaleServer(snapshot, _sliceAfter) is { } server)
            {
                servers.Add(_sliceAfter = server);
            }
        }

        servers.FindAll(server => destinations.Wait(server) is null).ForEach(Wake);
        var hasMore = servers.Count == ServersInSlice;
        _sliceAfter = hasMore ? _sliceAfter : "";
        return Task.FromResult(hasMore);
    }

    /// <summary>Ends when nothing is under way.</summary>
    public async Task IdleAsync()
    {
        while (Running() is { Count: > 0 } running)
        {
            await Task.WhenAll(running);
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _isStopping = true;
            _waiting.Clear();
        }

        fetcher.Dispose();
        await IdleAsync();
    }

    private List<Task> Running()
    {
        lock (_lock)
        {
            return [.. _running.Values.Select(work => work.Task)];
        }
    }

    private void Begin(string server)
    {
        var work = new Work();
        _running[server] = work;
        work.Task = Task.Run(() => RunAsync(server, work));
    }

    private async Task RunAsync(string server, Work work)
    {
        do
        {
            try
            {
                await AskAsync(server);
            }
            catch (Exception exception) when (exception is OperationCanceledException or DatabaseException)
            {
                // The server stops, or its disk fails: the lists stay stale.
            }
        }
        while (GoesOn(server, work));
    }

    private bool GoesOn(string server, Work work)
    {
        lock (_lock)
        {
            if (work.Again && !_isStopping)
            {
                work.Again = false;
                return true;
            }

            _running.Remove(server);
            if (_waiting.FirstOrDefault() is { } next)
            {
                _waiting.Remove(next);
                Begin(next);
            }

            return false;
        }
    }

    private async Task AskAsync(string server)
    {
        var after = 0L;
        while (!_isStopping && destinations.Wait(server) is null && NextStale(server, after) is { } list)
        {
            after = list.User;
            var failure = await fetcher.FetchAsync(server, list.UserId);
            if (failure is { IsNotFound: true })
            {
                await lists.DropAsync(list.UserId);
            }
            else if (failure is { Kind: not (FederationFailureKind.Refused or FederationFailureKind.Malformed) })
            {
                return;
            }
        }
    }

    private (long User, string UserId)? NextStale(string server, long after)
    {
        using var snapshot = database.OpenSnapshot();
        return RemoteDeviceListTable.NextStale(snapshot, server, after);
    }

    private sealed class Work
    {
        public Task Task { get; set; } = Task.CompletedTask;

        public bool Again { get; set; }
    }
}
