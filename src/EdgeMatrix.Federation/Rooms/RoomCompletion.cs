using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using Microsoft.Extensions.Logging;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>
/// Fetches the state of rooms that this server came into without most of their members: few rooms at a time, from one server of the room after the
/// other, until one has told it. What was fetched is on the disk, so that a start goes on with the rest.
/// </summary>
/// <remarks>
/// 1. The whole state before the join of this server is read into a file (<see cref="StateSpool"/>).
/// 2. Batch by batch its events are checked, side by side on all cores, and stored with what allows them; who is a member is known from then on.
/// 3. The room is made whole: <see cref="RoomEngine.CompleteAsync"/>.
/// How the steps came to be: MSC3902.
/// </remarks>
public sealed partial class RoomCompletion : IAsyncDisposable
{
    private const int RoomsAtOnce = 2;
    private const int ServersInRun = 5;
    private const int EventsInBatch = 400;

    // Depths that are not as they should be put some events before those that allow them.
    private const int MaxRounds = 5;

    private const int MostLate = 5_000;

    // Of an old room some servers are gone, and with them the keys of their users' events. It is tried again, so often, where more is missing than
    // one member of so many; then the room has to do without.
    private const int TriesForKeys = 4;
    private const int MembersForOneMissing = 20;

    private static readonly TimeSpan _longestWait = TimeSpan.FromMinutes(15);

    // Of a large room the server has much to look up before it begins to answer.
    private static readonly TimeSpan _timeOfAnswer = TimeSpan.FromMinutes(5);

    private readonly RoomEngine _engine;
    private readonly FederationClient _client;
    private readonly KeyRing _keys;
    private readonly RoomHealing _healing;
    private readonly string _folder;
    private readonly SemaphoreSlim _turns = new(RoomsAtOnce);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, DeliveryWorker> _rooms = new(StringComparer.Ordinal);
    private ILogger? _logger;

    /// <param name="folder">For files that are needed meanwhile.</param>
    public RoomCompletion(RoomEngine engine, FederationClient client, KeyRing keys, RoomHealing healing, string folder)
    {
        (_engine, _client, _keys, _healing, _folder) = (engine, client, keys, healing, folder);
        client.Destinations.CameBack += _ => RetryNow();
    }

    /// <summary>Told of members that became known.</summary>
    public Func<Room, IReadOnlyList<Pdu>, Task>? Added { get; init; }

    /// <summary>Goes on with what was under way at the last stop.</summary>
    public void Start(ILogger logger)
    {
        var rooms = new List<Room>();
        using (var db = _engine.Database.OpenSnapshot())
        {
            rooms.AddRange(PartialRoomTable.All(db).Select(nid => RoomTable.Find(db, nid)).OfType<RoomRow>()
                .Select(row => _engine.Find(db, row)).OfType<Room>());
        }

        lock (_lock)
        {
            _logger = logger;
        }

        rooms.ForEach(Begin);
    }

    /// <summary>Begins nothing any more.</summary>
    public void Stop() => _stopping.Cancel();

    /// <summary>This server came into the room without most of its members.</summary>
    public void Begin(Room room)
    {
        lock (_lock)
        {
            if (_logger is null || _stopping.IsCancellationRequested)
            {
                return;
            }

            if (!_rooms.TryGetValue(room.Id, out var worker))
            {
                DeliveryWorker? made = null;
                worker = made = new DeliveryWorker(
                    () => RunAsync(room, made!), exception => Log.Failed(_logger, room.Id, exception), _longestWait, _engine.Time, _stopping.Token);
                _rooms.Add(room.Id, worker);
            }

            worker.Wake();
        }
    }

    /// <summary>Ends when nothing is under way but waits.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Task[] running;
        lock (_lock)
        {
            running = [.. _rooms.Values.Select(worker => worker.Running)];
        }

        await Task.WhenAll(running);
        _stopping.Dispose();
        _turns.Dispose();
    }

    private void RetryNow()
    {
        lock (_lock)
        {
            foreach (var worker in _rooms.Values)
            {
                worker.RetryNow();
            }
        }
    }

    private async Task RunAsync(Room room, DeliveryWorker worker)
    {
        for (var failures = 0; !await TryAsync(room, failures); failures++)
        {
            await worker.WaitAsync();
        }

        lock (_lock)
        {
            _rooms.Remove(room.Id);
        }

        // What could not be judged without the members may wait.
        _healing.Wake(room.Id);
    }

    /// <returns>Whether there is nothing more to do.</returns>
    private async Task<bool> TryAsync(Room room, int failures)
    {
        await _turns.WaitAsync(_stopping.Token);
        try
        {
            if (Read(room) is not var (entry, servers))
            {
                return true;
            }

            foreach (var server in servers)
            {
                try
                {
                    if (await CompleteAsync(server, room, entry, failures, _stopping.Token))
                    {
                        return true;
                    }
                }
                catch (Exception exception) when (exception is MalformedAnswerException or OutboundException)
                {
                    Log.Refused(_logger!, room.Id, server, exception.Message);
                }
            }

            return false;
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <returns>The id of the join of this server, and whom to ask; null if the room is whole, or nobody of this server is in it.</returns>
    private (string Entry, List<string> Servers)? Read(Room room)
    {
        if (room.LocalMembers().IsEmpty)
        {
            return null;
        }

        string entry;
        List<string> servers;
        using (var db = _engine.Database.OpenSnapshot())
        {
            if (PartialRoomTable.Find(db, room.Nid) is not { } partial)
            {
                return null;
            }

            entry = EventTable.Find(db, partial.Entry)!.EventId;
            servers = [.. partial.Servers.Take(1).Concat(RoomServerTable.Likely(db, room.Nid, ServersInRun * 2)).Distinct()];
        }

        return (entry, [.. servers.Where(server => _client.Destinations.Wait(server) is null).Take(ServersInRun)]);
    }

    private async Task<bool> CompleteAsync(string server, Room room, string entry, int failures, CancellationToken cancellation)
    {
        var request = RemoteEvents.Get("state", server, room.Id, entry) with { MaxBytes = StateSpool.MaxBytes, Timeout = _timeOfAnswer };
        using var answer = await _client.OpenAsync(request, cancellation);
        if (answer.Failure is { } failure)
        {
            Log.Refused(_logger!, room.Id, server, failure.Message);
            return false;
        }

        using var spool = await StateSpool.ReadAsync(answer.Body, Path.Combine(_folder, $"state-{room.Nid}.tmp"), cancellation);
        var told = new Told();
        for (var first = 0; first < spool.Count; first += EventsInBatch)
        {
            await AddAsync(room, spool.Read(first, EventsInBatch), told, cancellation);
        }

        await AddLateAsync(room, told, cancellation);
        CheckCreate(room, told);
        if ((told.WithoutKey > told.State.Count / MembersForOneMissing || told.LacksMore) && failures < TriesForKeys)
        {
            Log.Refused(_logger!, room.Id, server, $"the keys of {told.WithoutKey} events are not to be had");
            return false;
        }

        await _engine.CompleteAsync(room, told.State, cancellation);
        Log.Whole(_logger!, room.Id, told.State.Count, server);
        return true;
    }

    private async Task AddAsync(Room room, List<(byte[] Json, bool IsState)> batch, Told told, CancellationToken cancellation)
    {
        var events = new List<Pdu>(batch.Count);
        var state = new List<string>();
        foreach (var (json, isState) in batch)
        {
            if (Pdu.Parse(json, room.Version).Event is { IsState: true } pdu && pdu.RoomId == room.Id)
            {
                events.Add(pdu);
                if (isState)
                {
                    state.Add(pdu.EventId);
                }
            }
        }

        // Signatures cost more than all else: what is here already needs none.
        var fresh = _engine.NotStored(events);
        var lookup = await _keys.PrepareAsync(fresh.SelectMany(NeededKey.Of), cancellation);
        var verdicts = await Task.Run(() => EventBatch.Receive(fresh, lookup, Environment.ProcessorCount, cancellation), cancellation);
        var withoutKey = fresh.Where((_, index) => verdicts[index].Signatures.Status == SignatureStatus.MissingKey).ToList();
        told.WithoutKey += withoutKey.Count;
        told.LacksMore |= withoutKey.Exists(pdu => pdu.Type != EventTypes.Member);
        var passed = EventOrder.AuthEventsFirst(verdicts.Select(ReceiptChecks.CheckAlone).Select(verdict => verdict.Event).OfType<Pdu>());
        told.State.AddRange(await _engine.AddMembersAsync(room, passed, state, cancellation));
        if (Added is { } added)
        {
            await added(room, events);
        }

        told.Late.AddRange(_engine.NotStored(passed).Select(pdu => (pdu, state.Contains(pdu.EventId))));
        if (told.Late.Count > MostLate)
        {
            throw new MalformedAnswerException("what allows the events of the state is not among them");
        }
    }

    /// <summary>Adds what came before the events that allow it.</summary>
    private async Task AddLateAsync(Room room, Told told, CancellationToken cancellation)
    {
        for (var round = 0; round < MaxRounds && told.Late.Count > 0; round++)
        {
            var late = told.Late;
            var state = late.Where(one => one.IsState).Select(one => one.Pdu.EventId).ToList();
            told.State.AddRange(await _engine.AddMembersAsync(room, EventOrder.AuthEventsFirst(late.Select(one => one.Pdu)), state, cancellation));
            var left = _engine.NotStored(late.ConvertAll(one => one.Pdu)).ToHashSet();
            told.Late = late.FindAll(one => left.Contains(one.Pdu));
            if (told.Late.Count == late.Count)
            {
                return;
            }
        }
    }

    // A state without its create event is that of no room.
    private void CheckCreate(Room room, Told told)
    {
        using var db = _engine.Database.OpenSnapshot();
        if (StateKeyTable.Find(db, EventTypes.Create, "") is not { } key || !told.State.Exists(entry => entry.StateKey == key))
        {
            throw new MalformedAnswerException($"the state of {room.Id} has no create event");
        }
    }

    private sealed class Told
    {
        /// <summary>What the state is made of, as far as it is stored.</summary>
        public List<StateEntry> State { get; } = [];

        /// <summary>What could not be stored before the events that allow it.</summary>
        public List<(Pdu Pdu, bool IsState)> Late { get; set; } = [];

        /// <summary>How many events could not be checked, as the key of their server was not to be had.</summary>
        public int WithoutKey { get; set; }

        /// <summary>One of these is no member's: it may be needed to judge others.</summary>
        public bool LacksMore { get; set; }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5301, Level = LogLevel.Error, Message = "The members of a room could not be fetched: room {Room}")]
        public static partial void Failed(ILogger logger, string room, Exception exception);

        [LoggerMessage(EventId = 5302, Level = LogLevel.Debug, Message = "All of the state of room {Room} is here: {Events} events, told by {Server}")]
        public static partial void Whole(ILogger logger, string room, int events, string server);

        [LoggerMessage(EventId = 5303, Level = LogLevel.Warning, Message = "The members of room {Room} were not to be had of {Server}: {Reason}")]
        public static partial void Refused(ILogger logger, string room, string server, string reason);
    }
}
