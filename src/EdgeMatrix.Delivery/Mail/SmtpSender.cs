using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using EdgeMatrix.Outbound;

namespace EdgeMatrix.Delivery.Mail;

public enum SmtpVerdict
{
    Sent,

    /// <summary>Not this mail, not now: it is to be tried again.</summary>
    Later,

    /// <summary>This mail, or its recipient, will never be taken.</summary>
    Refused,

    /// <summary>The relay takes no mail at all, now or as it is configured.</summary>
    NoRelay,
}

/// <summary>Hands mails to the relay of the configuration, each in a conversation of its own.</summary>
/// <param name="name">What this server calls itself.</param>
/// <param name="certificate">Judges the relay's certificate in place of the machine, for tests.</param>
/// <remarks>RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 6531 (SMTPUTF8)</remarks>
public sealed class SmtpSender(
    EmailOptions options, OutboundNetwork network, string name, TimeProvider time, RemoteCertificateValidationCallback? certificate = null)
{
    private const string Utf8 = "SMTPUTF8";

    // RFC 5321, 4.5.3.2 grants minutes for each command, to servers that are patient; nothing here is worth waiting for so long.
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    private readonly SmtpSecurity _security = options.Security != SmtpSecurity.Auto ? options.Security
        : options.Port switch { 465 => SmtpSecurity.Tls, 587 => SmtpSecurity.StartTls, _ => SmtpSecurity.Auto };

    // Somebody waits for the answer.
    private static readonly TimeSpan _timeoutOfQuestion = TimeSpan.FromSeconds(10);

    /// <param name="to">An address as <see cref="EmailAddress.Canonical"/> gives it.</param>
    /// <param name="mail">As <see cref="MailMessage.Write"/> writes it.</param>
    /// <returns>And what the relay said, or what was wrong, for the log.</returns>
    public async Task<(SmtpVerdict Verdict, string Reason)> SendAsync(string from, string to, string mail, CancellationToken cancellation)
    {
        var (done, problem) = await ConverseAsync(
            _timeout, (connection, greeting, stop) => TransferAsync(connection, greeting, from, to, mail, stop), cancellation);
        return problem is null ? done : (SmtpVerdict.NoRelay, problem);
    }

    /// <summary>Asks the relay whether it takes addresses that are not ASCII.</summary>
    /// <returns>Null if it does not say, as it is not there.</returns>
    public async Task<bool?> TakesUtf8Async(CancellationToken cancellation)
    {
        var (takes, problem) = await ConverseAsync(
            _timeoutOfQuestion,
            async (connection, greeting, stop) =>
            {
                await EndAsync(connection, stop);
                return Offers(greeting, Utf8);
            },
            cancellation);
        return problem is null ? takes : null;
    }

    /// <returns>What came of the conversation; or why there was none.</returns>
    private async Task<(T Result, string? Problem)> ConverseAsync<T>(
        TimeSpan timeout, Func<SmtpConnection, SmtpReply, CancellationToken, Task<T>> converse, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            var stream = await network.ConnectToNamedByOperatorAsync(new DnsEndPoint(options.Host, options.Port), either.Token);
            await using var connection = new SmtpConnection(stream);
            var (greeting, problem) = await BeginAsync(connection, either.Token);
            return problem is null ? (await converse(connection, greeting!, either.Token), null) : (default!, problem);
        }
        catch (Exception exception) when (exception is SmtpException or IOException or SocketException or AuthenticationException
            || (exception is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return (default!, exception is OperationCanceledException ? "the mail server did not answer in time" : exception.Message);
        }
    }

    /// <summary>Greets, secures the connection and logs in.</summary>
    /// <returns>What the relay offers; or what is wrong.</returns>
    private async Task<(SmtpReply? Greeting, string? Problem)> BeginAsync(SmtpConnection connection, CancellationToken cancellation)
    {
        if (_security == SmtpSecurity.Tls)
        {
            await connection.SecureAsync(options.Host, certificate, cancellation);
        }

        if (await connection.ReadAsync(cancellation) is { IsGood: false } turnedAway)
        {
            return (null, turnedAway.ToString());
        }

        var greeting = await connection.AskAsync($"EHLO {name}", cancellation);
        if (greeting.Code is 500 or 502 && !connection.IsSecure)
        {
            // RFC 5321, 3.2: what does not know EHLO is greeted as of old, and offers nothing.
            greeting = await connection.AskAsync($"HELO {name}", cancellation);
            return (greeting, !greeting.IsGood ? greeting.ToString()
                : _security == SmtpSecurity.StartTls || options.User is not null ? "the mail server knows no EHLO, and so neither STARTTLS nor AUTH"
                : null);
        }

        if (greeting.IsGood && _security is SmtpSecurity.StartTls or SmtpSecurity.Auto && Offers(greeting, "STARTTLS"))
        {
            if (await connection.AskAsync("STARTTLS", cancellation) is { IsGood: false } notNow)
            {
                return (null, $"STARTTLS: {notNow}");
            }

            await connection.SecureAsync(options.Host, certificate ?? JudgeOffered(), cancellation);

            // RFC 3207, 4.2: what was said before is forgotten.
            greeting = await connection.AskAsync($"EHLO {name}", cancellation);
        }

        var problem = !greeting.IsGood ? greeting.ToString()
            : _security == SmtpSecurity.StartTls && !connection.IsSecure ? "the mail server offers no STARTTLS, which email.tls or port 587 demands"
            : options.User is null ? null
            : await LogInAsync(connection, greeting, cancellation);
        return (greeting, problem);
    }

    // What is secured only because it is offered, with nothing to lose, may as well be secured with an unknown certificate: RFC 7435.
    private RemoteCertificateValidationCallback? JudgeOffered() =>
        _security == SmtpSecurity.Auto && (options.User is null || IsLoopback) ? (_, given, _, _) => given is not null : null;

    private bool IsLoopback => options.Host == "localhost" || (IPAddress.TryParse(options.Host, out var address) && IPAddress.IsLoopback(address));

    private async Task<string?> LogInAsync(SmtpConnection connection, SmtpReply greeting, CancellationToken cancellation)
    {
        if (!connection.IsSecure && _security != SmtpSecurity.Off && !IsLoopback)
        {
            return "the password would go over an open connection: the mail server offers no STARTTLS";
        }

        SmtpReply reply;
        if (Mechanisms(greeting) is var known && known.Contains("PLAIN"))
        {
            // RFC 4616
            reply = await connection.AskAsync($"AUTH PLAIN {Base64($"\0{options.User}\0{options.Password}")}", cancellation);
        }
        else if (known.Contains("LOGIN"))
        {
            reply = await connection.AskAsync("AUTH LOGIN", cancellation);
            foreach (var secret in new[] { options.User!, options.Password! })
            {
                reply = reply.Code == 334 ? await connection.AskAsync(Base64(secret), cancellation) : reply;
            }
        }
        else
        {
            return "the mail server offers neither AUTH PLAIN nor AUTH LOGIN";
        }

        return reply.Code == 235 ? null : $"AUTH: {reply}";
    }

    private static async Task<(SmtpVerdict Verdict, string Reason)> TransferAsync(
        SmtpConnection connection, SmtpReply greeting, string from, string to, string mail, CancellationToken cancellation)
    {
        var needsUtf8 = EmailAddress.NeedsUtf8(from) || EmailAddress.NeedsUtf8(to);
        if (needsUtf8 && !Offers(greeting, Utf8))
        {
            await EndAsync(connection, cancellation);
            return (
                EmailAddress.NeedsUtf8(from) ? SmtpVerdict.NoRelay : SmtpVerdict.Refused,
                "the mail server offers no SMTPUTF8, which an address that is not ASCII needs");
        }

        var parameters = needsUtf8 ? " BODY=8BITMIME SMTPUTF8" : "";
        if (await connection.AskAsync($"MAIL FROM:<{from}>{parameters}", cancellation) is { IsGood: false } noSender)
        {
            // The sender is the same for all mails: none will be taken.
            return (SmtpVerdict.NoRelay, $"MAIL FROM: {noSender}");
        }

        var reply = await connection.AskAsync($"RCPT TO:<{to}>", cancellation);
        if (reply.IsGood)
        {
            reply = await connection.AskAsync("DATA", cancellation);
        }

        if (reply.Code == 354)
        {
            reply = await connection.SendAsync(mail, cancellation);
        }

        var verdict = reply.Code == 250 ? SmtpVerdict.Sent : reply.IsForGood ? SmtpVerdict.Refused : SmtpVerdict.Later;
        await EndAsync(connection, cancellation);
        return (verdict, reply.ToString());
    }

    private static async Task EndAsync(SmtpConnection connection, CancellationToken cancellation)
    {
        try
        {
            await connection.AskAsync("QUIT", cancellation);
        }
        catch (Exception exception) when (exception is SmtpException or IOException or OperationCanceledException)
        {
            // What was taken is taken, however the conversation ends.
        }
    }

    private static bool Offers(SmtpReply greeting, string extension) =>
        greeting.Lines.Skip(1).Any(line => line.Trim().Equals(extension, StringComparison.OrdinalIgnoreCase));

    private static string[] Mechanisms(SmtpReply greeting) =>
        [.. greeting.Lines.Skip(1).Where(line => line.StartsWith("AUTH", StringComparison.OrdinalIgnoreCase))
            .SelectMany(line => line.ToUpperInvariant().Split([' ', '='], StringSplitOptions.RemoveEmptyEntries).Skip(1))];

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
