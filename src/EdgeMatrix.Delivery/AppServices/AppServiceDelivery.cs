using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Outbound;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Rooms.Typing;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.AppServices;
using EdgeMatrix.Storage.Encryption;
using Microsoft.Extensions.Logging;

namespace EdgeMatrix.Delivery.AppServices;

/// <summary>Tells application services what concerns them: to each one transaction after the other, each until it is acknowledged.</summary>
/// <remarks>
/// What is to be told stands in the database, written with what it tells of; so does a transaction, before it is sent for the first time: it is the
/// same to the byte however often it is sent, also after the server died. Only typing and presence are in memory, as they are themselves.
/// Spec: https://spec.matrix.org/v1.19/application-service-api/#pushing-events
/// </remarks>
public sealed partial class AppServiceDelivery : IAsyncDisposable
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _longestWait = TimeSpan.FromMinutes(5);

    private readonly RoomEngine _engine;
    private readonly KnownAppServices _services;
    private readonly AppServiceClient _client;
    private readonly AppServiceTransactions _transactions;
    private readonly Lock _lock = new();
    private readonly Dictionary<AppService, Outbox> _outboxes;
    private readonly CancellationTokenSource _stopping = new();
    private ILogger? _logger;

    public AppServiceDelivery(
        RoomEngine engine, KnownAppServices services, AppServiceClient client, RoomInterest interest, TypingUsers typing, UserPresence presence)
    {
        (_engine, _services, _client) = (engine, services, client);
        _transactions = new AppServiceTransactions(engine, interest, typing, presence);
        _outboxes = services.All.Where(service => service.Registration.Url is not null).ToDictionary(service => service, NewOutbox);
        if (_outboxes.Keys.Any(service => service.ReceivesEphemeral))
        {
            typing.Changed += (room, _) => ChangeEphemeral(news => news.TypingChanged(room));
            presence.Changed += user => ChangeEphemeral(news => news.PresenceChanged(user));
        }
    }

    private Database Database => _engine.Database;

    /// <summary>Gives every application service its number, and forgets those that are configured no longer. Call before anything happens.</summary>
    public Task PrepareAsync() => Database.WriteAsync(db =>
    {
        var known = AppServiceTable.All(db);
        foreach (var service in _services.All)
        {
            service.Nid = known.Remove(service.Id, out var nid) ? nid : AppServiceTable.Add(db, service.Id);
        }

        foreach (var gone in known.Values)
        {
            AppServiceTable.Remove(db, gone);
        }
    });

    /// <summary>Begins with what was not delivered before the last stop.</summary>
    public void Start(ILogger logger)
    {
        lock (_lock)
        {
            _logger = logger;
            foreach (var outbox in _outboxes.Values)
            {
                outbox.Worker.Wake();
            }
        }
    }

    /// <summary>Begins no delivery any more.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopping.Cancel();
        }
    }

    /// <summary>Call after the commit of what an application service is to be told.</summary>
    public void Queued(AppService service)
    {
        lock (_lock)
        {
            if (_logger is not null && _outboxes.TryGetValue(service, out var outbox))
            {
                outbox.Worker.Wake();
            }
        }
    }

    /// <summary>An application service answers: what waits for the next attempt is tried now.</summary>
    public void Heard(AppService service)
    {
        if (_outboxes.TryGetValue(service, out var outbox))
        {
            outbox.Worker.RetryNow();
        }
    }

    /// <summary>How it stands with one.</summary>
    public AppServiceState StateOf(AppService service)
    {
        using var db = Database.OpenSnapshot();
        return State(db, service);
    }

    /// <summary>Those that are told anything.</summary>
    public IEnumerable<AppService> Told => _outboxes.Keys;

    public async ValueTask DisposeAsync()
    {
        Stop();
        await Task.WhenAll(_outboxes.Values.Select(outbox => outbox.Worker.Running));
        _stopping.Dispose();
    }

    private static AppServiceState State(Session db, AppService service)
    {
        var row = AppServiceTable.Find(db, service.Nid);
        return new AppServiceState(
            service.Id, AppServiceQueueTable.Count(db, service.Nid), row?.TxnId is not null, row?.LastSuccessTs, row?.FailingSinceTs);
    }

    private void ChangeEphemeral(Action<EphemeralNews> change)
    {
        lock (_lock)
        {
            foreach (var outbox in _outboxes.Values.Where(outbox => outbox.Service.ReceivesEphemeral))
            {
                change(outbox.Ephemeral);
                if (_logger is not null)
                {
                    outbox.Worker.Wake();
                }
            }
        }
    }

    private Outbox NewOutbox(AppService service)
    {
        Outbox? made = null;
        return made = new Outbox(service, new DeliveryWorker(
            () => DeliverAllAsync(made!), exception => Log.Failed(_logger!, service.Id, exception), _longestWait, _engine.Time, _stopping.Token));
    }

    private async Task DeliverAllAsync(Outbox outbox)
    {
        while (!_stopping.IsCancellationRequested && await DeliverOneAsync(outbox))
        {
        }
    }

    /// <returns>False if there is nothing to deliver.</returns>
    private async Task<bool> DeliverOneAsync(Outbox outbox)
    {
        var service = outbox.Service;
        AppServiceRow row;
        AppServiceTransaction? next = null;
        using (var db = Database.OpenSnapshot())
        {
            row = AppServiceTable.Find(db, service.Nid) ?? throw new InvalidOperationException($"{service.Id} is not known");
            if (row.TxnId is null)
            {
                next = _transactions.Next(db, service, outbox.Ephemeral);
                if (next is null)
                {
                    return false;
                }
            }
        }

        if (next is not null)
        {
            await MakeAsync(service, next);
        }
        else if (await SendAsync(service, row.TxnId!, row.Body!))
        {
            await Database.WriteAsync(db => AppServiceTable.Acknowledge(db, service.Nid, row.TxnId!, Now()));
            outbox.Worker.Succeeded();
        }
        else
        {
            await WaitAsync(outbox, row);
        }

        return true;
    }

    /// <summary>Takes what a transaction tells of from the queue, and notes the transaction in its place.</summary>
    private Task MakeAsync(AppService service, AppServiceTransaction made) => Database.WriteAsync(db =>
    {
        AppServiceQueueTable.DeleteUpTo(db, service.Nid, made.UpTo);
        if (made.Body is null)
        {
            return;
        }

        foreach (var message in made.Messages)
        {
            ToDeviceTable.DeleteAt(db, message);
        }

        // No other has it, not even one of another database that the application service still remembers. There are those that take numbers only.
        AppServiceTable.Send(db, service.Nid, $"{Now()}{db.NextPosition()}", made.Body);
    });

    private async Task<bool> SendAsync(AppService service, string txnId, byte[] body)
    {
        try
        {
            var (status, _) = await _client.SendAsync(
                service, HttpMethod.Put, $"/_matrix/app/v1/transactions/{txnId}", $"/transactions/{txnId}", "", body, _timeout, _stopping.Token);
            return (int)status is >= 200 and < 300;
        }
        catch (OutboundException)
        {
            return false;
        }
    }

    private async Task WaitAsync(Outbox outbox, AppServiceRow row)
    {
        if (row.FailingSinceTs is null)
        {
            Log.NotDelivered(_logger!, row.Id);
            await Database.WriteAsync(db => AppServiceTable.Failing(db, row.Nid, Now()));
        }

        await outbox.Worker.WaitAsync();
    }

    private long Now() => _engine.Time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>An application service as far as telling it is under way.</summary>
    private sealed class Outbox(AppService service, DeliveryWorker worker)
    {
        public AppService Service => service;

        public DeliveryWorker Worker => worker;

        public EphemeralNews Ephemeral { get; } = new();
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4011, Level = LogLevel.Warning, Message = "An application service takes nothing; trying again: {AppService}")]
        public static partial void NotDelivered(ILogger logger, string appService);

        [LoggerMessage(EventId = 4012, Level = LogLevel.Error, Message = "Delivery failed: application service {AppService}")]
        public static partial void Failed(ILogger logger, string appService, Exception exception);
    }
}

/// <summary>How it stands with telling an application service.</summary>
/// <param name="Queued">What is in no transaction yet.</param>
/// <param name="IsWaiting">A transaction is not acknowledged.</param>
/// <param name="LastSuccessTs">When it last took something, ms since the Unix epoch; null: never.</param>
/// <param name="FailingSinceTs">Since when it takes nothing, ms since the Unix epoch; null while it does.</param>
public sealed record AppServiceState(string Id, long Queued, bool IsWaiting, long? LastSuccessTs, long? FailingSinceTs);
