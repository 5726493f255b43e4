using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Delivery.Push;

/// <summary>Tells users by mail of what they have not read: some time after it came, all of it at once, and the less often the less they read.</summary>
/// <remarks>
/// The mail is promised in the write that moves the pusher on, so that each event is told of once. Whoever follows the signed link in it gets
/// no more: RFC 8058.
/// </remarks>
public sealed class EmailPushing(RoomEngine engine, LocalServer server, MailQueue mails)
{
    /// <summary>Where links to unsubscribe lead, below the base URL.</summary>
    public const string UnsubscribePath = "/_matrix/client/unstable/org.edgematrix/email/unsubscribe";

    // More are told of by their number only.
    private const int MaxEvents = 200;

    private static readonly TimeSpan _delay = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan _shortestWait = TimeSpan.FromHours(1);
    private static readonly TimeSpan _longestWait = TimeSpan.FromHours(24);
    private static readonly TimeSpan _lifetime = TimeSpan.FromDays(1);

    // Who needed no mail for so long after they could have had one reads by other means again.
    private static readonly TimeSpan _quiet = TimeSpan.FromHours(12);

    /// <summary>Whether this server sends mails.</summary>
    public bool IsOn => mails.Options is not null;

    /// <summary>Whether a pusher has something to tell.</summary>
    internal bool HasNews(PusherRow pusher)
    {
        using var db = engine.Database.OpenSnapshot();
        return IsOn && NextUnread(db, pusher.User, pusher.Position) is not null;
    }

    /// <summary>When what is new to a pusher now is to be told.</summary>
    internal static DateTimeOffset DueTime(PusherRow pusher, DateTimeOffset now)
    {
        var earliest = pusher.MailedTs is { } mailed
            ? DateTimeOffset.FromUnixTimeMilliseconds(mailed + pusher.MailWaitMs)
            : DateTimeOffset.MinValue;
        return earliest > now + _delay ? earliest : now + _delay;
    }

    /// <summary>Tells what there is to tell.</summary>
    /// <returns>False, and nothing has changed, if too many mails wait.</returns>
    internal Task<bool> SendAsync(PusherRow pusher)
    {
        var now = engine.Time.GetUtcNow();
        var (mail, position) = Write(pusher);
        return engine.Database.WriteAsync(db =>
        {
            if (mail is null)
            {
                PusherTable.Delivered(db, pusher.Nid, position);
                return true;
            }

            // Whoever unsubscribed just now gets none.
            if (PusherTable.Find(db, pusher.Nid) is null)
            {
                return true;
            }

            if (!mails.TryAdd(db, mail, now + _lifetime))
            {
                return false;
            }

            PusherTable.Mailed(db, pusher.Nid, position, now.ToUnixTimeMilliseconds(), (long)NextWait(pusher, now).TotalMilliseconds);
            return true;
        });
    }

    /// <summary>Ends a pusher, as the link in one of its mails says.</summary>
    /// <param name="pusher">Nid of the pusher.</param>
    /// <param name="token">What is in the link.</param>
    /// <returns>The address that it wrote to; null if the link is none of this server's, or the pusher is gone.</returns>
    public Task<string?> UnsubscribeAsync(long pusher, string token) => engine.Database.WriteAsync(db =>
    {
        if (PusherTable.Find(db, pusher) is not { Kind: PusherTable.EmailKind } row
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.ASCII.GetBytes(TokenOf(row))))
        {
            return null;
        }

        PusherTable.Delete(db, row.AppId, row.Pushkey, row.User);
        return row.Pushkey;
    });

    /// <returns>The mail, null if nothing is to be told any more; and the nid of the last event that it is about.</returns>
    private (MailMessage? Mail, long Position) Write(PusherRow pusher)
    {
        using var db = engine.Database.OpenSnapshot();
        var digest = new EmailDigest();
        var position = pusher.Position;
        var count = 0;
        for (; count < MaxEvents && NextUnread(db, pusher.User, position) is { } next; count++, position = next)
        {
            if (PushedTo.Find(db, engine, pusher.User, next) is { } pushed)
            {
                digest.Add(db, pushed);
            }
        }

        if (digest.IsEmpty || UserTable.Name(db, pusher.User) is not { } userId)
        {
            return (null, position);
        }

        var countsOnly = JsonContent.Text(JsonElement.Parse(pusher.Data), "format") == "event_id_only";
        return (digest.Write(pusher.Pushkey, server.Name, userId, countsOnly, count == MaxEvents, UnsubscribeUrl(pusher)), position);
    }

    private static long? NextUnread(Session db, long user, long after) => PushQueueTable.Next(db, user, after);

    private static TimeSpan NextWait(PusherRow pusher, DateTimeOffset now)
    {
        var wait = TimeSpan.FromMilliseconds(pusher.MailWaitMs);
        if (pusher.MailedTs is not { } mailed || now > DateTimeOffset.FromUnixTimeMilliseconds(mailed) + wait + _quiet)
        {
            return _shortestWait;
        }

        return 2 * wait < _longestWait ? 2 * wait : _longestWait;
    }

    private string UnsubscribeUrl(PusherRow pusher) =>
        $"{mails.Options!.BaseUrl}{UnsubscribePath}?pusher={pusher.Nid}&token={TokenOf(pusher)}";

    // A signature of this server over what no event, key or request begins with; the number of a pusher is never used again.
    private string TokenOf(PusherRow pusher) => Base64Url.EncodeToString(
        server.Key.Sign(Encoding.UTF8.GetBytes($"edgematrix unsubscribe\0{pusher.Nid}\0{pusher.User}\0{pusher.Pushkey}")));
}
