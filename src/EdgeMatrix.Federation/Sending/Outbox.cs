using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Rooms.Typing;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Federation;
using EdgeMatrix.Storage.Rooms;
using Microsoft.Extensions.Logging;

namespace EdgeMatrix.Federation.Sending;

/// <summary>Tells other servers what concerns them: to each one transaction after the other, each until it is acknowledged.</summary>
/// <remarks>
/// Nothing is copied, and nothing is kept for each server but its cursor: the position in the stream up to which it has everything. What comes
/// next is read from there (<see cref="OutgoingStream"/>), so that a server may be gone for as long as it likes. The cursor moves once a
/// transaction is acknowledged, on the disk a moment later, for all servers in one write: who is killed in between tells again what was told,
/// which is known by its ids. Only typing and presence are in memory, as they are themselves.
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#transactions
/// </remarks>
public sealed partial class Outbox : IAsyncDisposable
{
    /// <summary>So many transactions are under way at once; who waits for a turn gets it in the order of asking.</summary>
    private const int AtOnce = 16;

    /// <summary>After a start so many begin, and then as many again each time a pause has passed.</summary>
    private const int StartedAtOnce = AtOnce;

    private const int ServersAtOnce = 100;

    /// <summary>Above so many, those are forgotten that there is nothing for.</summary>
    private const int FewDestinations = 256;

    private const int TxnIdLength = 12;

    private static readonly TimeSpan _startPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _longestWait = TimeSpan.FromHours(1);

    private readonly Database _database;
    private readonly LocalServer _server;
    private readonly FederationSettings _settings;
    private readonly FederationClient _client;
    private readonly OutgoingNews _news;
    private readonly ExtremityExchange _extremities;
    private readonly UserPresence _presence;
    private readonly OutgoingTransactions _transactions;
    private readonly MovedCursors _cursors;
    private readonly DeliveryWorker _resuming;
    private readonly TimeProvider _time;
    private readonly string _txnIdStart;
    private readonly SemaphoreSlim _turns = new(AtOnce);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Destination> _destinations = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private int _manyDestinations = FewDestinations;
    private long _txnIds;
    private long _transactionsSent;
    private long _pdusSent;
    private long _edusSent;
    private long _pdusRefused;
    private ILogger? _logger;

    public Outbox(
        Database database,
        LocalServer server,
        FederationSettings settings,
        FederationClient client,
        OutgoingNews news,
        ExtremityExchange extremities,
        KeyQueries keys,
        TypingUsers typing,
        UserPresence presence,
        RandomSource random,
        TimeProvider time)
    {
        (_database, _server, _settings, _client, _news, _extremities, _presence, _time) =
            (database, server, settings, client, news, extremities, presence, time);
        _transactions = new OutgoingTransactions(server, keys, typing, presence, time);
        _cursors = new MovedCursors(database, exception => Log.CursorsNotWritten(_logger!, exception), time, _stopping.Token);
        _resuming = new DeliveryWorker(ResumeAsync, exception => Log.NotResumed(_logger!, exception), _longestWait, time, _stopping.Token);

        // No other has it, not even one of an earlier run or of another database, that the receiver still remembers.
        _txnIdStart = random.Base62(TxnIdLength);
        if (settings.Enabled)
        {
            typing.Changed += TypingChanged;
            presence.Changed += PresenceChanged;
            client.Destinations.CameBack += CameBack;
        }
    }

    /// <summary>Transactions that were acknowledged since the start.</summary>
    public long TransactionsSent => Interlocked.Read(ref _transactionsSent);

    /// <summary>Events in them.</summary>
    public long PdusSent => Interlocked.Read(ref _pdusSent);

    /// <summary>EDUs in them.</summary>
    public long EdusSent => Interlocked.Read(ref _edusSent);

    /// <summary>Events in them that their receiver would not have.</summary>
    public long PdusRefused => Interlocked.Read(ref _pdusRefused);

    /// <summary>Servers that are still to be told something.</summary>
    public int Behind => All().Count(destination => !destination.Worker.IsIdle);

    /// <summary>How it stands with some of the servers that are still to be told something.</summary>
    public IReadOnlyList<OutboxState> StatesOfBehind(int most)
    {
        var servers = All().Where(destination => !destination.Worker.IsIdle).Select(destination => destination.Server)
            .Order(StringComparer.Ordinal).Take(most).ToList();
        List<(string Server, OutgoingCursor Cursor, long Backlog)> read;
        using (var db = _database.OpenSnapshot())
        {
            read = [.. servers.Select(server => (server, CursorOf(db, server)))
                .Select(one => (one.server, one.Item2, OutgoingStream.Backlog(db, one.server, one.Item2.Position, db.Position)))];
        }

        return [.. read.Select(one =>
        {
            var standing = _client.Destinations.Find(one.Server);
            return new OutboxState(one.Server, one.Backlog, one.Cursor.SuccessTs, standing.Failures, standing.NextTs);
        })];
    }

    /// <summary>Begins with what was not delivered before the last stop.</summary>
    public void Start(ILogger logger)
    {
        lock (_lock)
        {
            _logger = logger;
        }

        if (_settings.Enabled)
        {
            _resuming.Wake();
        }
    }

    /// <summary>Begins no delivery any more, and ends those that are under way.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopping.Cancel();
        }
    }

    /// <summary>Call after the commit of what servers are to be told.</summary>
    public void Queued(IReadOnlyList<string> servers)
    {
        foreach (var server in servers)
        {
            Find(server)?.Worker.Wake();
        }
    }

    /// <summary>Call after the commit by which a server came into a room: it may be that there is more in it than the server knows of, and it
    /// hears who is there.</summary>
    public void Entered(string server, long room)
    {
        if (Find(server) is { } destination)
        {
            destination.News.Entered(room);
            destination.Worker.Wake();
        }
    }

    /// <summary>Call after the commit by which a user of this server joined a room: the others in it have not been told whether they are there.</summary>
    /// <param name="user">Nid of the user.</param>
    public void Joined(long user, IReadOnlyList<string> servers)
    {
        if (_presence.Of([user]) is not [{ State: not PresenceState.Offline }])
        {
            return;
        }

        // Whoever comes from a commit reads nothing of the database.
        foreach (var destination in servers.Select(Find).OfType<Destination>())
        {
            destination.News.PresenceChanged(user);
            destination.Worker.Wake();
        }
    }

    /// <summary>Ends the wait for a server that did not answer, for whoever knows that it does again.</summary>
    public void RetryNow(string server)
    {
        if (Find(server) is { } destination)
        {
            destination.Worker.Wake();
            destination.Worker.RetryNow();
        }
    }

    /// <summary>Ends when nothing is under way, and what is acknowledged is on the disk.</summary>
    public async Task IdleAsync()
    {
        await _resuming.Running;
        await Task.WhenAll(All().Select(destination => destination.Worker.Running));
        await _cursors.WriteAsync();
    }

    /// <summary>Up to which position a server has everything, and when it last took something.</summary>
    internal OutgoingCursor CursorOf(Session db, string server) => _cursors.Find(server) ?? OutgoingCursorTable.Find(db, server);

    public async ValueTask DisposeAsync()
    {
        Stop();
        await _resuming.Running;
        await Task.WhenAll(All().Select(destination => destination.Worker.Running));
        await _cursors.DisposeAsync();
        _turns.Dispose();
        _stopping.Dispose();
    }

    private List<Destination> All()
    {
        lock (_lock)
        {
            return [.. _destinations.Values];
        }
    }

    /// <returns>Null while nothing is delivered.</returns>
    private Destination? Find(string server)
    {
        lock (_lock)
        {
            if (_logger is null || _stopping.IsCancellationRequested)
            {
                return null;
            }

            if (_destinations.TryGetValue(server, out var known))
            {
                return known;
            }

            if (_destinations.Count >= _manyDestinations)
            {
                foreach (var idle in _destinations.Values.Where(destination => destination.Worker.IsIdle).ToList())
                {
                    _destinations.Remove(idle.Server);
                }

                _manyDestinations = Math.Max(FewDestinations, 2 * _destinations.Count);
            }

            return _destinations[server] = NewDestination(server);
        }
    }

    private Destination NewDestination(string server)
    {
        Destination? made = null;
        return made = new Destination(server, new DeliveryWorker(
            () => DeliverAllAsync(made!), exception => Log.Failed(_logger!, server, exception), _longestWait, _time, _stopping.Token));
    }

    /// <summary>Wakes those for whom there is something: not all at once.</summary>
    private async Task ResumeAsync()
    {
        var (server, started) = ("", 0);
        while (!_stopping.IsCancellationRequested)
        {
            List<string> servers;
            List<string> behind;
            using (var db = _database.OpenSnapshot())
            {
                servers = OutgoingEventTable.Servers(db, server, ServersAtOnce);
                behind = [.. servers.Where(name => OutgoingStream.Read(db, name, CursorOf(db, name).Position, db.Position).Count > 0)];
            }

            foreach (var name in behind)
            {
                if (started++ > 0 && started % StartedAtOnce == 0)
                {
                    await Task.Delay(_startPause, _time, _stopping.Token);
                }

                Find(name)?.Worker.Wake();
            }

            if (servers.Count < ServersAtOnce)
            {
                return;
            }

            server = servers[^1];
        }
    }

    private async Task DeliverAllAsync(Destination destination)
    {
        while (true)
        {
            _stopping.Token.ThrowIfCancellationRequested();
            await destination.Worker.WaitAsync(() => _client.Destinations.Wait(destination.Server));
            if (_client.Destinations.Wait(destination.Server) is not null)
            {
                continue;
            }

            Delivery delivery;
            await _turns.WaitAsync(_stopping.Token);
            try
            {
                delivery = await DeliverOneAsync(destination);
            }
            finally
            {
                _turns.Release();
            }

            if (delivery == Delivery.Nothing)
            {
                return;
            }

            if (delivery == Delivery.Refused)
            {
                // It is there, and others may be answered: so this is nothing that its standing tells.
                await destination.Worker.WaitAsync();
            }
        }
    }

    private async Task<Delivery> DeliverOneAsync(Destination destination)
    {
        OutgoingTransaction? next;
        using (var db = _database.OpenSnapshot())
        {
            next = _transactions.Next(db, destination.Server, CursorOf(db, destination.Server).Position, destination.Sent, destination.News);
        }

        if (next is null)
        {
            destination.Sent = null;
            return Delivery.Nothing;
        }

        if (next.Body is null)
        {
            Moved(destination, next);
            return Delivery.Done;
        }

        destination.Sent ??= new SentTransaction(
            $"{_txnIdStart}{Interlocked.Increment(ref _txnIds)}", next.UpTo, next.SentTs, next.Extremities);
        var answer = await _client.SendAsync(
            FederationRequest.Put(destination.Server, $"/_matrix/federation/v1/send/{destination.Sent.TxnId}", next.Body), _stopping.Token);
        if (answer.Json is { } results)
        {
            Acknowledged(destination, next, results);
            return Delivery.Done;
        }

        return NotDelivered(destination, answer.Failure!);
    }

    private void Acknowledged(Destination destination, OutgoingTransaction sent, JsonElement results)
    {
        var refused = Refused(results);
        if (refused > 0)
        {
            Log.PdusRefused(_logger!, destination.Server, refused, sent.Pdus);
        }

        Interlocked.Increment(ref _transactionsSent);
        Interlocked.Add(ref _pdusSent, sent.Pdus);
        Interlocked.Add(ref _edusSent, sent.Edus);
        Interlocked.Add(ref _pdusRefused, refused);
        destination.IsFailing = false;
        destination.Worker.Succeeded();
        Moved(destination, sent);
        _extremities.Told(destination.Server, ForwardExtremities.Read(results));
    }

    private void Moved(Destination destination, OutgoingTransaction sent)
    {
        destination.Sent = null;
        if (sent.IsLasting)
        {
            _cursors.Move(destination.Server, new OutgoingCursor(sent.UpTo, _time.GetUtcNow().ToUnixTimeMilliseconds()));
        }
    }

    private Delivery NotDelivered(Destination destination, FederationFailure failure)
    {
        if (!destination.IsFailing)
        {
            destination.IsFailing = true;
            Log.NotDelivered(_logger!, destination.Server, failure.Message);
        }

        return failure.Kind switch
        {
            FederationFailureKind.NotAsked => Delivery.Nothing,
            FederationFailureKind.Refused or FederationFailureKind.Malformed => Delivery.Refused,
            _ => Delivery.Postponed,
        };
    }

    // "If no error is present, the PDU can be considered successfully handled." None is sent again: it would be judged as it was.
    private static int Refused(JsonElement results) =>
        results.TryGetProperty("pdus"u8, out var pdus) && pdus.ValueKind == JsonValueKind.Object
            ? pdus.EnumerateObject().Count(pdu => pdu.Value.ValueKind == JsonValueKind.Object && pdu.Value.TryGetProperty("error"u8, out _))
            : 0;

    private void CameBack(string server) => RetryNow(server);

    private void TypingChanged(long room, string userId)
    {
        if (_server.Owns(userId))
        {
            IReadOnlyList<string> servers;
            using (var db = _database.OpenSnapshot())
            {
                servers = _news.InRoom(db, room);
            }

            Tell(servers, news => news.TypingChanged(room, userId));
        }
    }

    private void PresenceChanged(long user)
    {
        List<string> servers;
        using (var db = _database.OpenSnapshot())
        {
            servers = UserTable.Name(db, user) is { } userId && _server.Owns(userId) ? RoomServerTable.SharingRoomWith(db, user) : [];
        }

        Tell(servers, news => news.PresenceChanged(user));
    }

    // Who does not answer is not told afterwards who was typing meanwhile.
    private void Tell(IReadOnlyList<string> servers, Action<EphemeralNews> change)
    {
        foreach (var server in servers.Where(server => _client.Destinations.Wait(server) is null))
        {
            if (Find(server) is { } destination)
            {
                change(destination.News);
                destination.Worker.Wake();
            }
        }
    }

    private enum Delivery
    {
        /// <summary>There is nothing for the server.</summary>
        Nothing,

        /// <summary>It took something; there may be more.</summary>
        Done,

        /// <summary>It did not answer, or wants to be left alone for a while.</summary>
        Postponed,

        /// <summary>It answered that it will not have it.</summary>
        Refused,
    }

    /// <summary>A server as far as telling it is under way.</summary>
    private sealed class Destination(string server, DeliveryWorker worker)
    {
        public string Server => server;

        public DeliveryWorker Worker => worker;

        public EphemeralNews News { get; } = new();

        /// <summary>What was sent and is not acknowledged; null if nothing is.</summary>
        public SentTransaction? Sent { get; set; }

        public bool IsFailing { get; set; }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5001, Level = LogLevel.Information, Message = "A server takes nothing; trying again: {Server}: {Problem}")]
        public static partial void NotDelivered(ILogger logger, string server, string problem);

        [LoggerMessage(EventId = 5002, Level = LogLevel.Error, Message = "Delivery failed: server {Server}")]
        public static partial void Failed(ILogger logger, string server, Exception exception);

        [LoggerMessage(EventId = 5003, Level = LogLevel.Information, Message = "{Server} refused {Refused} of {Count} events")]
        public static partial void PdusRefused(ILogger logger, string server, int refused, int count);

        [LoggerMessage(EventId = 5005, Level = LogLevel.Error, Message = "Delivery to other servers does not begin; trying again")]
        public static partial void NotResumed(ILogger logger, Exception exception);

        [LoggerMessage(EventId = 5004, Level = LogLevel.Error, Message = "How far other servers are told is not written; trying again")]
        public static partial void CursorsNotWritten(ILogger logger, Exception exception);
    }
}

/// <summary>How it stands with telling a server what it is still to be told.</summary>
/// <param name="Backlog">Events, and messages to devices, that it lacks.</param>
/// <param name="LastSuccessTs">When it last took something, ms since the Unix epoch; null: never.</param>
/// <param name="Failures">How often in a row it was not reached.</param>
/// <param name="NextTs">When it is tried again, ms since the Unix epoch; 0: it is not left alone.</param>
public sealed record OutboxState(string Server, long Backlog, long? LastSuccessTs, long Failures, long NextTs);
