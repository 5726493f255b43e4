using System.Text.Json;
using EdgeMatrix.Outbound;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Notifications;
using Microsoft.Extensions.Logging;

namespace EdgeMatrix.Delivery.Push;

/// <summary>Tells push gateways what users are to be notified of: for each pusher one event after the other, each until it is delivered; and users, where they want mails.</summary>
/// <remarks>
/// What is to be delivered stands in the database: a pusher's position, and what is queued behind it and not read yet. So nothing
/// is lost when the server dies, and what was sent last may be sent once more. When nothing is left, a gateway is told the number of
/// unread messages, if it knows another.
/// Spec: https://spec.matrix.org/v1.19/push-gateway-api/#homeserver-behaviour
/// </remarks>
public sealed partial class PushDelivery : IAsyncDisposable
{
    /// <summary>What could not be delivered for so long is given up.</summary>
    public static readonly TimeSpan GiveUpAfter = TimeSpan.FromDays(1);

    private const int Concurrency = 16;

    private static readonly TimeSpan _longestWait = TimeSpan.FromHours(1);

    private readonly RoomEngine _engine;
    private readonly OutboundClient _client;
    private readonly PushMessages _messages;
    private readonly EmailPushing _emails;
    private readonly Lock _lock = new();
    private readonly Dictionary<long, List<Pusher>> _ofUser = [];
    private readonly CancellationTokenSource _stopping = new();
    private ILogger? _logger;

    /// <param name="emails">Takes the pushers that write mails.</param>
    public PushDelivery(RoomEngine engine, OutboundNetwork network, BadgeCount badge, EmailPushing emails)
    {
        _emails = emails;
        _engine = engine;
        _client = new OutboundClient(network, Concurrency);
        _messages = new PushMessages(engine, badge);
    }

    private Database Database => _engine.Database;

    /// <summary>Begins with what was not delivered before the last stop.</summary>
    public void Start(ILogger logger)
    {
        List<(long Nid, long User)> all;
        using (var snapshot = Database.OpenSnapshot())
        {
            all = PusherTable.All(snapshot);
        }

        lock (_lock)
        {
            _logger = logger;
            foreach (var (nid, user) in all)
            {
                Track(nid, user);
            }

            foreach (var pusher in _ofUser.Values.SelectMany(pushers => pushers))
            {
                pusher.Worker.Wake();
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

    /// <summary>Call after the commit of what is new to a user, or of what they have read.</summary>
    /// <param name="user">Nid of the user.</param>
    public void Changed(long user)
    {
        lock (_lock)
        {
            if (_logger is not null && _ofUser.TryGetValue(user, out var pushers))
            {
                foreach (var pusher in pushers)
                {
                    pusher.TellBadge = true;
                    pusher.Worker.Wake();
                }
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Stop();
        Task[] running;
        lock (_lock)
        {
            running = [.. _ofUser.Values.SelectMany(pushers => pushers).Select(pusher => pusher.Worker.Running)];
        }

        await Task.WhenAll(running);
        _client.Dispose();
        _stopping.Dispose();
    }

    internal void Add(long nid, long user)
    {
        lock (_lock)
        {
            Track(nid, user);
        }
    }

    private void Track(long nid, long user)
    {
        if (!_ofUser.TryGetValue(user, out var pushers))
        {
            _ofUser[user] = pushers = [];
        }

        if (!pushers.Exists(known => known.Nid == nid))
        {
            pushers.Add(NewPusher(nid, user));
        }
    }

    private void Drop(Pusher pusher)
    {
        lock (_lock)
        {
            if (_ofUser.TryGetValue(pusher.User, out var pushers) && pushers.Remove(pusher) && pushers.Count == 0)
            {
                _ofUser.Remove(pusher.User);
            }
        }
    }

    private Pusher NewPusher(long nid, long user)
    {
        Pusher? made = null;
        return made = new Pusher(nid, user, new DeliveryWorker(
            () => DeliverAllAsync(made!), exception => Log.Failed(_logger!, nid, exception), _longestWait, _engine.Time, _stopping.Token));
    }

    private async Task DeliverAllAsync(Pusher pusher)
    {
        while (!_stopping.IsCancellationRequested)
        {
            var (row, message) = Next(pusher);
            if (row is null)
            {
                Drop(pusher);
                return;
            }

            if (row.Kind == PusherTable.EmailKind)
            {
                if (await DigestAsync(pusher, row))
                {
                    continue;
                }

                return;
            }

            if (message is null)
            {
                return;
            }

            if (message.Body is null)
            {
                await Database.WriteAsync(db => PusherTable.Delivered(db, row.Nid, message.Event!.Value));
                continue;
            }

            if (await SendAsync(row, message) is not { } rejected)
            {
                await WaitAsync(pusher, row, message);
                continue;
            }

            pusher.Badge = message.Badge;
            if (rejected)
            {
                // "Homeservers must cease sending notification requests for these pushkeys and remove the associated pushers."
                await Database.WriteAsync(db => PusherTable.Delete(db, row.AppId, row.Pushkey));
            }
            else if (message.Event is { } delivered)
            {
                await Database.WriteAsync(db => PusherTable.Delivered(db, row.Nid, delivered));
            }

            pusher.Worker.Succeeded();
        }
    }

    /// <summary>What is to be told next; nothing, if the gateway knows all.</summary>
    private (PusherRow? Row, PushMessage? Message) Next(Pusher pusher)
    {
        using var db = Database.OpenSnapshot();
        if (PusherTable.Find(db, pusher.Nid) is not { } row)
        {
            return default;
        }

        if (row.Kind == PusherTable.EmailKind)
        {
            return (row, null);
        }

        if (PushQueueTable.Next(db, row.User, row.Position) is { } next)
        {
            return (row, _messages.OfEvent(db, row, next));
        }

        if (!pusher.TellBadge)
        {
            return (row, null);
        }

        pusher.TellBadge = false;
        var badge = _messages.OfBadge(db, row);
        return (row, badge.Badge == pusher.Badge ? null : badge);
    }

    /// <summary>Waits until a mail is due, or has it sent; what is read meanwhile is not told of.</summary>
    /// <returns>Whether there may be more to do.</returns>
    private async Task<bool> DigestAsync(Pusher pusher, PusherRow row)
    {
        if (!_emails.HasNews(row))
        {
            pusher.DigestDue = null;
            return false;
        }

        var now = _engine.Time.GetUtcNow();
        var due = pusher.DigestDue ??= EmailPushing.DueTime(row, now);
        if (due > now)
        {
            await Task.Delay(due - now, _engine.Time, _stopping.Token);
        }
        else if (await _emails.SendAsync(row))
        {
            pusher.DigestDue = null;
            pusher.Worker.Succeeded();
        }
        else
        {
            await pusher.Worker.WaitAsync();
        }

        return true;
    }

    /// <returns>Whether the pushkey was rejected; null if the gateway did not take the message.</returns>
    private async Task<bool?> SendAsync(PusherRow row, PushMessage message)
    {
        try
        {
            var url = JsonElement.Parse(row.Data).GetProperty("url").GetString()!;
            var request = new OutboundRequest(HttpMethod.Post, new Uri(url)) { Body = message.Body };
            var (status, answer) = await _client.SendAsync(request, _stopping.Token);
            return (int)status is >= 200 and < 300 ? Rejects(answer, row.Pushkey) : null;
        }
        catch (OutboundException)
        {
            return null;
        }
    }

    private async Task WaitAsync(Pusher pusher, PusherRow row, PushMessage message)
    {
        var now = _engine.Time.GetUtcNow();
        if (row.FailingSinceTs is null)
        {
            Log.NotDelivered(_logger!, row.Nid, row.AppId);
            await Database.WriteAsync(db => PusherTable.Failing(db, row.Nid, now.ToUnixTimeMilliseconds()));
        }
        else if (message.Event is not null && now.ToUnixTimeMilliseconds() - row.FailingSinceTs > GiveUpAfter.TotalMilliseconds)
        {
            await Database.WriteAsync(db => PusherTable.Delivered(db, row.Nid, db.NextPosition()));
        }

        pusher.TellBadge = true;
        await pusher.Worker.WaitAsync();
    }

    private static bool Rejects(byte[] answer, string pushkey)
    {
        try
        {
            var body = JsonElement.Parse(answer);
            return body.ValueKind == JsonValueKind.Object
                && body.TryGetProperty("rejected"u8, out var rejected)
                && rejected.ValueKind == JsonValueKind.Array
                && rejected.EnumerateArray().Any(key => key.ValueKind == JsonValueKind.String && key.ValueEquals(pushkey));
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>A pusher as far as it is under way.</summary>
    private sealed class Pusher(long nid, long user, DeliveryWorker worker)
    {
        public long Nid => nid;

        public long User => user;

        public DeliveryWorker Worker => worker;

        /// <summary>The number of unread messages may be another than the gateway knows.</summary>
        public bool TellBadge { get; set; }

        /// <summary>What the gateway was last told; null: nothing since the start.</summary>
        public long? Badge { get; set; }

        /// <summary>Of one that writes mails: when the next is due; null: nothing is new.</summary>
        public DateTimeOffset? DigestDue { get; set; }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4001, Level = LogLevel.Warning, Message = "A push gateway takes nothing; trying again: pusher {Pusher} of {App}")]
        public static partial void NotDelivered(ILogger logger, long pusher, string app);

        [LoggerMessage(EventId = 4002, Level = LogLevel.Error, Message = "Delivery failed: pusher {Pusher}")]
        public static partial void Failed(ILogger logger, long pusher, Exception exception);
    }
}
