using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;
using Microsoft.Extensions.Logging;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>
/// Sees to it that events which wait for others get their place: one fetch at a time of a room, few rooms at once, and after a failure another, the
/// later the more fail in a row. What waits is on the disk, so that a start goes on with it.
/// </summary>
public sealed partial class RoomHealing(
    RoomEngine engine, MissingEventsFetch fetch, ReceivedCounts counts, FederationSettings settings) : IAsyncDisposable
{
    private const int RoomsAtOnce = 6;

    // Whoever answers slowly, or sends what has no ancestors, takes the turns of others no more than so far.
    private const int RoomsAtOnceOfOrigin = 3;
    private const int MaxDoublings = 12;

    /// <summary>What could not be judged for so long is given up.</summary>
    public static readonly TimeSpan GiveUpAfter = TimeSpan.FromDays(1);

    private static readonly TimeSpan _longestRun = TimeSpan.FromMinutes(5);

    // What comes while a room waits for its next turn does not have it asked for at once.
    private static readonly TimeSpan _shortestWait = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Worker> _rooms = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _turns = new(RoomsAtOnce);
    private readonly TurnsByName _turnsOfOrigin = new(RoomsAtOnceOfOrigin);
    private readonly CancellationTokenSource _stopping = new();
    private ILogger? _logger;

    /// <summary>Goes on with what waited at the last stop.</summary>
    public void Start(ILogger logger)
    {
        List<string> rooms;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            rooms = WaitingEventTable.Rooms(snapshot);
        }

        lock (_lock)
        {
            _logger = logger;
        }

        rooms.ForEach(Wake);
    }

    /// <summary>Begins no fetch any more.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopping.Cancel();
        }
    }

    /// <summary>Events wait in the room.</summary>
    public void Wake(string roomId)
    {
        lock (_lock)
        {
            if (_logger is null || _stopping.IsCancellationRequested)
            {
                return;
            }

            if (!_rooms.TryGetValue(roomId, out var worker))
            {
                _rooms[roomId] = worker = new Worker(roomId);
            }

            worker.Again = true;
            if (worker.Retry is not null)
            {
                Hasten(worker);
            }
            else if (!worker.IsRunning)
            {
                Begin(worker);
            }
        }
    }

    /// <summary>Events of the room came that others may wait for.</summary>
    public void Came(string roomId)
    {
        lock (_lock)
        {
            if (_rooms.ContainsKey(roomId))
            {
                Wake(roomId);
            }
        }
    }

    /// <summary>A server that did not answer is there again.</summary>
    public void CameBack(string server)
    {
        lock (_lock)
        {
            foreach (var worker in _rooms.Values.Where(worker => worker.Retry is not null && worker.Unreachable.Contains(server)))
            {
                Hasten(worker);
            }
        }
    }

    /// <summary>Ends when nothing is under way but waits.</summary>
    internal async Task IdleAsync()
    {
        while (true)
        {
            Task[] running;
            lock (_lock)
            {
                running = [.. _rooms.Values.Where(worker => worker.IsRunning).Select(worker => worker.Running)];
            }

            if (running.Length == 0)
            {
                return;
            }

            await Task.WhenAll(running);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Stop();
        Task[] running;
        lock (_lock)
        {
            running = [.. _rooms.Values.Select(worker => worker.Running)];
        }

        await Task.WhenAll(running);
        foreach (var worker in _rooms.Values)
        {
            worker.Retry?.Dispose();
        }

        _stopping.Dispose();
        _turns.Dispose();
    }

    private void Begin(Worker worker)
    {
        worker.Retry?.Dispose();
        worker.Retry = null;
        worker.IsRunning = true;
        worker.Running = Task.Run(() => RunAsync(worker));
    }

    private void Hasten(Worker worker)
    {
        var wait = worker.NotBefore - engine.Time.GetUtcNow();
        worker.Retry!.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private async Task RunAsync(Worker worker)
    {
        while (HasMore(worker))
        {
            var done = false;
            try
            {
                var result = await HealAsync(worker);
                done = result != FetchResult.NothingDone;
                if (result == FetchResult.SomeDone)
                {
                    worker.Again = true;
                }
            }
            catch (OperationCanceledException)
            {
                // Stopped, or it took too long: what was fetched so far is here.
            }
            catch (Exception exception)
            {
                // A disk that is full, say: nobody waits for an answer, so it is told here, and tried again.
                Log.Failed(_logger!, worker.RoomId, exception);
            }

            if (!done)
            {
                Postpone(worker);
                return;
            }

            worker.Failures = 0;
        }
    }

    private bool HasMore(Worker worker)
    {
        lock (_lock)
        {
            if (worker.Again && !_stopping.IsCancellationRequested)
            {
                worker.Again = false;
                return true;
            }

            _rooms.Remove(worker.RoomId);
            return false;
        }
    }

    private void Postpone(Worker worker)
    {
        lock (_lock)
        {
            var shortest = _shortestWait < settings.RetryMin ? _shortestWait : settings.RetryMin;
            var wait = settings.RetryMin * (1L << Math.Min(worker.Failures++, MaxDoublings));
            worker.NotBefore = engine.Time.GetUtcNow() + shortest;
            worker.IsRunning = false;
            if (!_stopping.IsCancellationRequested)
            {
                wait = worker.Again ? shortest : wait < settings.RetryMax ? wait : settings.RetryMax;
                worker.Again = true;
                worker.Retry = engine.Time.CreateTimer(
                    _ =>
                    {
                        lock (_lock)
                        {
                            if (!worker.IsRunning && !_stopping.IsCancellationRequested)
                            {
                                Begin(worker);
                            }
                        }
                    },
                    null,
                    wait,
                    Timeout.InfiniteTimeSpan);
            }
        }
    }

    private async Task<FetchResult> HealAsync(Worker worker)
    {
        if (engine.Find(worker.RoomId) is not { } room || Origin(room) is not { } origin)
        {
            return FetchResult.NothingWaits;
        }

        using var late = new CancellationTokenSource(_longestRun, engine.Time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _stopping.Token);
        var endTurn = await _turnsOfOrigin.TakeAsync(origin, ended.Token);
        try
        {
            await _turns.WaitAsync(ended.Token);
            try
            {
                var unreachable = new HashSet<string>(StringComparer.Ordinal);
                var result = await fetch.RunAsync(room, worker.Failures, unreachable, ended.Token);
                lock (_lock)
                {
                    worker.Unreachable = unreachable;
                }

                if (result == FetchResult.NothingDone)
                {
                    await GiveUpAsync(room);
                }

                return result;
            }
            finally
            {
                _turns.Release();
            }
        }
        finally
        {
            endTurn();
        }
    }

    /// <summary>Who sent what came last of what waits in the room; null if nothing waits.</summary>
    private string? Origin(Room room)
    {
        using var snapshot = engine.Database.OpenSnapshot();
        return WaitingEventTable.OfRoom(snapshot, room.Nid, 1) is [var waiting] ? waiting.Origin : null;
    }

    private async Task GiveUpAsync(Room room)
    {
        var until = (engine.Time.GetUtcNow() - GiveUpAfter).ToUnixTimeMilliseconds();
        counts.Add(ReceiptOutcome.Dropped, await engine.Database.WriteAsync(db => WaitingEventTable.DeleteOld(db, room.Nid, until)));
    }

    private sealed class Worker(string roomId)
    {
        public string RoomId => roomId;

        public Task Running { get; set; } = Task.CompletedTask;

        public bool IsRunning { get; set; }

        /// <summary>There may be something that the fetch under way has not seen.</summary>
        public bool Again { get; set; }

        public int Failures { get; set; }

        /// <summary>Begins the next attempt; null while one is under way.</summary>
        public ITimer? Retry { get; set; }

        /// <summary>When the next attempt may begin at the earliest.</summary>
        public DateTimeOffset NotBefore { get; set; }

        /// <summary>Servers that did not answer when they were asked last; each of them may bring the next attempt on.</summary>
        public HashSet<string> Unreachable { get; set; } = [];
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5201, Level = LogLevel.Error, Message = "What events wait for could not be fetched: room {Room}")]
        public static partial void Failed(ILogger logger, string room, Exception exception);
    }
}
