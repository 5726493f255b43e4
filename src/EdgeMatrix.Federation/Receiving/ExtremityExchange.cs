using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Storage.Rooms;
using Microsoft.Extensions.Logging;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>
/// Finds out what other servers have of a room that never came here. An event tells of those before it; of the last that was said nobody tells again,
/// if it was lost on its way. So servers tell each other where their rooms end: with each transaction and its answer, and when they meet after one of
/// them was away.
/// </summary>
/// <remarks>
/// 1. Whoever is met again is asked for the extremities of the rooms that both are in, one after the other.
/// 2. Of what a server tells, in whatever way, that is fetched from it which is not here: after a pause, for most of it is on its way already.
/// 3. It passes the same checks as what is sent here; what it follows, and is not here either, is for <see cref="RoomHealing"/> to fetch.
/// That a server names an event has nobody believe anything: who names what there is not is asked for it, itself, once in a while. And as only what
/// is here is told to others, no two servers keep each other looking for what neither has.
/// MSC4370: https://github.com/matrix-org/matrix-spec-proposals/pull/4370
/// </remarks>
public sealed partial class ExtremityExchange : IAsyncDisposable
{
    /// <summary>So long a server that gave nothing new of a room, or nothing at all, is not asked about it.</summary>
    public static readonly TimeSpan AskAgainAfter = TimeSpan.FromMinutes(5);

    /// <summary>What was told so long ago and is not here yet is not on its way.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>A server that does not know the question is not asked for so long.</summary>
    private static readonly TimeSpan _unrecognizedFor = TimeSpan.FromDays(1);

    private const int MaxMeetings = 256;
    private const int MeetingsAtOnce = 4;
    private const int RoomsOfMeeting = 200;
    private const int MetAfterAbsence = 50;
    private const int MaxRoomsWaiting = 256;
    private const int ServersOfRoom = 4;
    private const int FetchesAtOnce = 4;
    private const int EventsAtOnce = 20;

    // Servers that know nothing of the draft give the extremities one at a time. What is not among these is found by what follows it.
    private const int AskedSingly = 5;

    private const int EntryBytes = 100;

    private readonly RoomEngine _engine;
    private readonly RemoteEvents _remote;
    private readonly EventChecks _checks;
    private readonly RoomHealing _healing;
    private readonly Destinations _destinations;
    private readonly ReceivedCounts _counts;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Task> _meetings = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Wanted> _wanted = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _meetingTurns = new(MeetingsAtOnce);
    private readonly SemaphoreSlim _fetchTurns = new(FetchesAtOnce);

    // Until when a server is not asked: about the extremities of a room, or of any (an empty id); and for what it named in vain.
    private readonly BoundedCache<(string Server, string RoomId, bool Named), DateTimeOffset> _notBefore =
        new("extremities_asked", wanted: 256 << 10, least: 32 << 10);

    private readonly CancellationTokenSource _stopping = new();
    private ILogger? _logger;

    public ExtremityExchange(
        RoomEngine engine, RemoteEvents remote, EventChecks checks, RoomHealing healing, Destinations destinations, ReceivedCounts counts)
    {
        (_engine, _remote, _checks, _healing, _destinations, _counts) = (engine, remote, checks, healing, destinations, counts);
        engine.Database.Memory.Add(_notBefore);
    }

    /// <summary>From now on others are asked; at once, if this server was away for long.</summary>
    public void Start(ILogger logger)
    {
        lock (_lock)
        {
            _logger = logger;
        }

        foreach (var server in _destinations.WasSilent() ? SomeOfEachRoom() : [])
        {
            Met(server);
        }
    }

    /// <summary>Asks for nothing any more.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopping.Cancel();
        }
    }

    /// <summary>A server is there again that was away, or that was not heard from for long.</summary>
    public void Met(string server)
    {
        lock (_lock)
        {
            if (_logger is not null && !_stopping.IsCancellationRequested && _meetings.Count < MaxMeetings && !_meetings.ContainsKey(server))
            {
                _meetings[server] = Task.Run(() => MeetAsync(server));
            }
        }
    }

    /// <summary>A server told the extremities of rooms.</summary>
    public void Told(string server, IReadOnlyDictionary<string, List<string>> rooms)
    {
        if (rooms.Count == 0)
        {
            return;
        }

        List<(string RoomId, List<string> Ids)> unknown;
        using (var db = _engine.Database.OpenSnapshot())
        {
            unknown = [.. rooms.Take(ForwardExtremities.MaxRooms)
                .Select(told => (told.Key, Shared(db, RoomTable.Find(db, told.Key), server) is var (_, row) ? Unknown(db, row.Nid, told.Value) : []))
                .Where(told => told.Item2.Count > 0)];
        }

        foreach (var (roomId, ids) in unknown.Where(told => MayAsk((server, told.RoomId, true))))
        {
            Want(server, roomId, ids);
        }
    }

    /// <summary>The extremities of those of the rooms that both this server and another are in.</summary>
    public Dictionary<string, List<string>> Own(string server, IEnumerable<string> roomIds)
    {
        using var db = _engine.Database.OpenSnapshot();
        return roomIds.Take(ForwardExtremities.MaxRooms).Select(id => RoomTable.Find(db, id)).OfType<RoomRow>()
            .Where(row => Shared(db, row, server) is not null).ToDictionary(row => row.RoomId, row => ForwardExtremities.Of(db, row));
    }

    /// <summary>Ends when nothing is asked, nor to be asked.</summary>
    internal async Task IdleAsync()
    {
        while (true)
        {
            List<Task> running;
            lock (_lock)
            {
                running = [.. _meetings.Values, .. _wanted.Values.Select(wanted => wanted.Running)];
            }

            if (running.Count == 0)
            {
                return;
            }

            await Task.WhenAll(running);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Stop();
        await IdleAsync();
        _stopping.Dispose();
        _meetingTurns.Dispose();
        _fetchTurns.Dispose();
    }

    /// <summary>Servers of which one is in each room, each perhaps in many: it is asked about all that are shared with it.</summary>
    private HashSet<string> SomeOfEachRoom()
    {
        var chosen = new HashSet<string>(StringComparer.Ordinal);
        using var db = _engine.Database.OpenSnapshot();
        for (var row = RoomTable.FirstFrom(db, 1); row is not null && chosen.Count < MetAfterAbsence; row = RoomTable.FirstFrom(db, row.Nid + 1))
        {
            var servers = RoomServerTable.Likely(db, row.Nid, ServersOfRoom);
            if (servers.Count > 0 && !servers.Exists(chosen.Contains) && _engine.Find(db, row) is { } room && !room.LocalMembers().IsEmpty)
            {
                chosen.Add(servers[0]);
            }
        }

        return chosen;
    }

    private async Task MeetAsync(string server)
    {
        try
        {
            // What it has to tell by itself comes first.
            await Task.Delay(Patience, _engine.Time, _stopping.Token);
            await _meetingTurns.WaitAsync(_stopping.Token);
            try
            {
                await AskAsync(server);
            }
            finally
            {
                _meetingTurns.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
        catch (Exception exception)
        {
            Log.NotAsked(_logger!, server, exception);
        }
        finally
        {
            lock (_lock)
            {
                _meetings.Remove(server);
            }
        }
    }

    private async Task AskAsync(string server)
    {
        List<string> rooms;
        using (var db = _engine.Database.OpenSnapshot())
        {
            rooms = [.. RoomServerTable.RoomsOf(db, server).Select(nid => RoomTable.Find(db, nid)).OfType<RoomRow>()
                .Where(row => Shared(db, row, server) is not null).OrderByDescending(row => row.LastEvent)
                .Take(RoomsOfMeeting).Select(row => row.RoomId)];
        }

        foreach (var roomId in rooms)
        {
            if (!MayAsk((server, "", false)) || _destinations.Wait(server) is not null)
            {
                return;
            }

            if (!MayAsk((server, roomId, false)))
            {
                continue;
            }

            var (ids, failure) = await _remote.ExtremitiesAsync(server, roomId, _stopping.Token);
            if (failure is null or { Kind: FederationFailureKind.Refused or FederationFailureKind.Malformed })
            {
                NotBefore((server, roomId, false), AskAgainAfter);
            }

            // Of whoever knows the question these two are about the room; all else is about the question.
            if (failure is { Kind: FederationFailureKind.Malformed }
                or { Kind: FederationFailureKind.Refused, Code: not ("M_FORBIDDEN" or "M_NOT_FOUND") })
            {
                NotBefore((server, "", false), _unrecognizedFor);
            }

            Told(server, new Dictionary<string, List<string>> { [roomId] = ids });
        }
    }

    private void Want(string server, string roomId, List<string> ids)
    {
        lock (_lock)
        {
            if (_logger is null || _stopping.IsCancellationRequested)
            {
                return;
            }

            if (!_wanted.TryGetValue(roomId, out var wanted))
            {
                if (_wanted.Count >= MaxRoomsWaiting)
                {
                    // It is told again, with what is sent next.
                    return;
                }

                _wanted[roomId] = wanted = new Wanted();
                wanted.Running = Task.Run(() => FetchAllAsync(roomId, wanted));
            }

            if (wanted.Named.ContainsKey(server) || wanted.Named.Count < ServersOfRoom)
            {
                // What it told before is before this, or as old as it was.
                wanted.Named[server] = ids;
            }
        }
    }

    /// <summary>Fetches what servers named of a room, from one after the other, for as long as they name something.</summary>
    private async Task FetchAllAsync(string roomId, Wanted wanted)
    {
        try
        {
            await Task.Delay(Patience, _engine.Time, _stopping.Token);
            while (Take(roomId, wanted) is var (server, ids))
            {
                await _fetchTurns.WaitAsync(_stopping.Token);
                try
                {
                    await FetchAsync(server, roomId, ids);
                }
                finally
                {
                    _fetchTurns.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
        catch (Exception exception)
        {
            Log.NotFetched(_logger!, roomId, exception);
        }
        finally
        {
            lock (_lock)
            {
                if (_wanted.GetValueOrDefault(roomId) == wanted)
                {
                    _wanted.Remove(roomId);
                }
            }
        }
    }

    private (string Server, List<string> Ids)? Take(string roomId, Wanted wanted)
    {
        lock (_lock)
        {
            if (wanted.Named.Count == 0)
            {
                _wanted.Remove(roomId);
                return null;
            }

            var (server, ids) = wanted.Named.First();
            wanted.Named.Remove(server);
            return (server, ids);
        }
    }

    private async Task FetchAsync(string server, string roomId, List<string> named)
    {
        List<string> ids;
        List<string> earliest;
        long minDepth;
        Room room;
        using (var db = _engine.Database.OpenSnapshot())
        {
            if (Shared(db, RoomTable.Find(db, roomId), server) is not var (found, row) || Unknown(db, row.Nid, named) is not { Count: > 0 } unknown)
            {
                return;
            }

            (room, ids, earliest) = (found, unknown, ForwardExtremities.Of(db, row));

            // What is older than all that is here is of the past that this server was not there for, or has deleted: it is no news.
            minDepth = EventTable.Forward(db, room.Nid, long.MinValue, long.MaxValue, 1) is [var first] ? first.Parse(room.Version).Depth : 0;
        }

        // It names what it has sooner or later; until then it is left alone, unless what it named is here now.
        NotBefore((server, roomId, true), AskAgainAfter);
        var events = await TellAsync(server, room, ids, earliest, minDepth);
        if (events.Count == 0)
        {
            return;
        }

        var receptions = await _engine.ReceiveAsync(room, new PduBatch(EventOrder.ParentsFirst(events)) { SentBy = server }, _stopping.Token);
        _counts.Add(receptions);
        if (receptions.Any(reception => reception.Outcome is null))
        {
            _healing.Wake(roomId);
        }
        else
        {
            _healing.Came(roomId);
        }

        using var now = _engine.Database.OpenSnapshot();
        if (Unknown(now, room.Nid, ids).Count < ids.Count)
        {
            _notBefore.Remove((server, roomId, true));
        }
    }

    /// <summary>Has a server tell events, and what is between them and others.</summary>
    private async Task<List<Pdu>> TellAsync(string server, Room room, List<string> ids, List<string> earliest, long minDepth)
    {
        var told = await _remote.MissingAsync(
            server, room.Id, ids, earliest, EventsAtOnce, minDepth, includeLatest: true, _stopping.Token);
        var events = told.Events is null ? []
            : await _checks.PassedAsync([.. told.Events.Take(EventsAtOnce + ids.Count)], room.Version, room.Id, _stopping.Token);
        foreach (var id in ids.Where(id => !events.Exists(pdu => pdu.EventId == id)).Take(AskedSingly).ToList())
        {
            if ((await _remote.EventAsync(server, id, _stopping.Token)).Events is [var json, ..])
            {
                events.AddRange((await _checks.PassedAsync([json], room.Version, room.Id, _stopping.Token)).Where(pdu => pdu.EventId == id));
            }
        }

        return [.. events.Where(pdu => pdu.Depth >= minDepth)];
    }

    /// <summary>The room, if both this server and the other are in it and nothing keeps them from each other.</summary>
    private (Room Room, RoomRow Row)? Shared(Session db, RoomRow? row, string server) =>
        row is not null && RoomServerTable.IsIn(db, row.Nid, server)
            && _engine.Find(db, row) is { Nid: > 0 } room && !room.LocalMembers().IsEmpty && !RoomServers.IsDenied(db, row, room.Version, server)
                ? (room, row)
                : null;

    private static List<string> Unknown(Session db, long room, IEnumerable<string> ids) =>
    [
        .. ids.Where(id => EventTable.Find(db, id) is not { } stored || stored.Flags.HasFlag(EventFlags.Outlier))
            .Where(id => !WaitingEventTable.Has(db, room, id)),
    ];

    private bool MayAsk((string Server, string RoomId, bool Named) what) =>
        !_notBefore.TryGet(what, out var until) || until <= _engine.Time.GetUtcNow();

    private void NotBefore((string Server, string RoomId, bool Named) what, TimeSpan wait) =>
        _notBefore.Set(what, _engine.Time.GetUtcNow() + wait, EntryBytes + (2 * (what.Server.Length + what.RoomId.Length)));

    /// <summary>What servers named of a room that is not here.</summary>
    private sealed class Wanted
    {
        /// <summary>By the server, ids.</summary>
        public Dictionary<string, List<string>> Named { get; } = new(StringComparer.Ordinal);

        public Task Running { get; set; } = Task.CompletedTask;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5203, Level = LogLevel.Error, Message = "{Server} could not be asked where its rooms end")]
        public static partial void NotAsked(ILogger logger, string server, Exception exception);

        [LoggerMessage(EventId = 5204, Level = LogLevel.Error, Message = "What another server has at the end of a room could not be fetched: room {Room}")]
        public static partial void NotFetched(ILogger logger, string room, Exception exception);
    }
}
