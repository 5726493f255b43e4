using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Mail;
using Microsoft.Extensions.Logging;

namespace EdgeMatrix.Delivery.Mail;

/// <summary>Mails on their way to the relay: in the database, so that what was promised is sent, also after the server died; one after the other.</summary>
/// <remarks>
/// A mail whose recipient is not taken for now waits by itself; while the relay takes nothing all wait. What was handed over just before
/// the server died may be handed over once more.
/// </remarks>
public sealed partial class MailQueue : IAsyncDisposable
{
    /// <summary>The most that wait; who would add to them is told to come later.</summary>
    public const int MaxMails = 1_000;

    // Whoever asks for a mail waits for it: a relay that is back is found within five minutes.
    private const int MostDoublings = 9;

    private readonly Database _database;
    private readonly RandomSource _random;
    private readonly TimeProvider _time;
    private readonly SmtpSender? _sender;
    private readonly (string Address, string? Name) _from;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private TaskCompletionSource _news = NewSignal();
    private Task _running = Task.CompletedTask;
    private ILogger? _logger;

    /// <param name="options">Null: this server sends no mail.</param>
    public MailQueue(EmailOptions? options, Database database, OutboundNetwork network, LocalServer server, RandomSource random, TimeProvider time)
    {
        (Options, _database, _random, _time) = (options, database, random, time);
        if (options is not null)
        {
            _from = EmailOptions.ReadFrom(options.From) ?? throw new ArgumentException("email.from is no address", nameof(options));
            _sender = new SmtpSender(options, network, GreetingOf(server.Name), time);
        }
    }

    public EmailOptions? Options { get; }

    /// <summary>Begins with what was not handed over before the last stop.</summary>
    public void Start(ILogger logger)
    {
        if (_sender is not null)
        {
            _logger = logger;
            _running = Task.Run(RunAsync);
        }
    }

    public void Stop() => _stopping.Cancel();

    /// <summary>Whether mails to an address can be handed over, as far as the relay says: one that is not there is asked when there is a mail for it.</summary>
    /// <param name="address">As <see cref="EmailAddress.Canonical"/> gives it.</param>
    public async Task<bool> TakesAsync(string address, CancellationToken cancellation) =>
        !EmailAddress.NeedsUtf8(address) || (_sender is not null && await _sender.TakesUtf8Async(cancellation) is not false);

    /// <summary>Promises a mail, as part of a write.</summary>
    /// <param name="expires">When it is of no use any more.</param>
    /// <returns>False, and nothing is changed, if too many wait.</returns>
    public bool TryAdd(WriteTransaction db, MailMessage mail, DateTimeOffset expires)
    {
        if (MailTable.Count(db) >= MaxMails)
        {
            return false;
        }

        var now = _time.GetUtcNow();
        MailTable.Add(
            db, mail.To, mail.Write(_from, _random.Base62(22), now), now.ToUnixTimeMilliseconds(), expires.ToUnixTimeMilliseconds());
        db.AfterCommit(Wake);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        var failures = 0;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var news = NextNews();
                var next = Next();
                var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
                if (next is null || next.NextTs > now)
                {
                    await WaitAsync(news, next is null ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(next.NextTs - now));
                }
                else if (await HandOverAsync(next, now) is { } problem)
                {
                    LogOnce(ref failures, problem);
                    await Task.Delay(Backoff.After(Math.Min(failures, MostDoublings)), _time, _stopping.Token);
                }
                else
                {
                    failures = 0;
                }
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
            }
            catch (Exception exception)
            {
                // A disk that is full, say: nobody waits for an answer, so it is told here, and tried again.
                Log.Failed(_logger!, exception);
                await Task.Delay(Backoff.After(++failures), _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <returns>Why the relay takes nothing; null if it took this one, or said what it thinks of it.</returns>
    private async Task<string?> HandOverAsync(MailRow mail, long now)
    {
        if (mail.ExpiresTs <= now)
        {
            Log.GivenUp(_logger!, mail.Nid);
            await _database.WriteAsync(db => MailTable.Delete(db, mail.Nid));
            return null;
        }

        var (verdict, reason) = await _sender!.SendAsync(_from.Address, mail.Recipient, mail.Message, _stopping.Token);
        switch (verdict)
        {
            case SmtpVerdict.NoRelay:
                return reason;
            case SmtpVerdict.Later:
                var failures = mail.Failures + 1;
                var next = now + (long)Backoff.After((int)Math.Min(failures + 5, int.MaxValue)).TotalMilliseconds;
                await _database.WriteAsync(db => MailTable.Postpone(db, mail.Nid, next, failures));
                return null;
            default:
                if (verdict == SmtpVerdict.Refused)
                {
                    Log.Refused(_logger!, mail.Nid, reason);
                }

                await _database.WriteAsync(db => MailTable.Delete(db, mail.Nid));
                return null;
        }
    }

    private void LogOnce(ref int failures, string problem)
    {
        if (++failures == 1)
        {
            Log.NoRelay(_logger!, Options!.Host, problem);
        }
    }

    private async Task WaitAsync(Task news, TimeSpan wait)
    {
        try
        {
            await news.WaitAsync(wait, _time, _stopping.Token);
        }
        catch (TimeoutException)
        {
            // A mail is due.
        }
    }

    private MailRow? Next()
    {
        using var db = _database.OpenSnapshot();
        return MailTable.Next(db);
    }

    private void Wake()
    {
        TaskCompletionSource news;
        lock (_lock)
        {
            (news, _news) = (_news, NewSignal());
        }

        news.SetResult();
    }

    private Task NextNews()
    {
        lock (_lock)
        {
            return _news.Task;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    // RFC 5321, 4.1.3: an address stands in brackets.
    private static string GreetingOf(string serverName)
    {
        var host = serverName is ['[', ..] ? $"[IPv6:{serverName[1..serverName.IndexOf(']', StringComparison.Ordinal)]}]" : serverName.Split(':')[0];
        return System.Net.IPAddress.TryParse(host, out _) ? $"[{host}]" : host;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4101, Level = LogLevel.Warning, Message = "The mail server {Host} takes no mail; trying again: {Reason}")]
        public static partial void NoRelay(ILogger logger, string host, string reason);

        [LoggerMessage(EventId = 4102, Level = LogLevel.Warning, Message = "The mail server refused mail {Mail} for good: {Reason}")]
        public static partial void Refused(ILogger logger, long mail, string reason);

        [LoggerMessage(EventId = 4103, Level = LogLevel.Warning, Message = "Mail {Mail} could not be handed over in time and is given up")]
        public static partial void GivenUp(ILogger logger, long mail);

        [LoggerMessage(EventId = 4104, Level = LogLevel.Error, Message = "Sending mail failed")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
