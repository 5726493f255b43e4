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
/// <remarks>RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH)</remarks>
public sealed class SmtpSender(
    EmailOptions options, OutboundNetwork network, string name, TimeProvider time, RemoteCertificateValidationCallback? certificate = null)
{
    // RFC 5321, 4.5.3.2 grants minutes for each command, to servers that are patient; nothing here is worth waiting for so long.
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    private readonly SmtpSecurity _security = options.Security != SmtpSecurity.Auto ? options.Security
        : options.Port switch { 465 => SmtpSecurity.Tls, 587 => SmtpSecurity.StartTls, _ => SmtpSecurity.Auto };

    /// <param name="to">An address as <see cref="EmailAddress.Canonical"/> gives it.</param>
    /// <param name="mail">As <see cref="MailMessage.Write"/> writes it.</param>
    /// <returns>And what the relay said, or what was wrong, for the log.</returns>
    public async Task<(SmtpVerdict Verdict, string Reason)> SendAsync(string from, string to, string mail, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            var stream = await network.ConnectToNamedByOperatorAsync(new DnsEndPoint(options.Host, options.Port), either.Token);
            await using var connection = new SmtpConnection(stream);
            return await BeginAsync(connection, either.Token) is { } problem
                ? (SmtpVerdict.NoRelay, problem)
                : await TransferAsync(connection, from, to, mail, either.Token);
        }
        catch (Exception exception) when (exception is SmtpException or IOException or SocketException or AuthenticationException
            || (exception is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return (SmtpVerdict.NoRelay, exception is OperationCanceledException ? "the mail server did not answer in time" : exception.Message);
        }
    }

    /// <summary>Greets, secures the connection and logs in.</summary>
    /// <returns>What is wrong; null: mails may be handed over.</returns>
    private async Task<string?> BeginAsync(SmtpConnection connection, CancellationToken cancellation)
    {
        if (_security == SmtpSecurity.Tls)
        {
            await connection.SecureAsync(options.Host, certificate, cancellation);
        }

        if (await connection.ReadAsync(cancellation) is { IsGood: false } turnedAway)
        {
            return turnedAway.ToString();
        }

        var greeting = await connection.AskAsync($"EHLO {name}", cancellation);
        if (greeting.Code is 500 or 502 && !connection.IsSecure)
        {
            // RFC 5321, 3.2: what does not know EHLO is greeted as of old, and offers nothing.
            greeting = await connection.AskAsync($"HELO {name}", cancellation);
            return !greeting.IsGood ? greeting.ToString()
                : _security == SmtpSecurity.StartTls || options.User is not null ? "the mail server knows no EHLO, and so neither STARTTLS nor AUTH"
                : null;
        }

        if (greeting.IsGood && _security is SmtpSecurity.StartTls or SmtpSecurity.Auto && Offers(greeting, "STARTTLS"))
        {
            if (await connection.AskAsync("STARTTLS", cancellation) is { IsGood: false } notNow)
            {
                return $"STARTTLS: {notNow}";
            }

            await connection.SecureAsync(options.Host, certificate ?? JudgeOffered(), cancellation);

            // RFC 3207, 4.2: what was said before is forgotten.
            greeting = await connection.AskAsync($"EHLO {name}", cancellation);
        }

        return !greeting.IsGood ? greeting.ToString()
            : _security == SmtpSecurity.StartTls && !connection.IsSecure ? "the mail server offers no STARTTLS, which email.tls or port 587 demands"
            : options.User is null ? null
            : await LogInAsync(connection, greeting, cancellation);
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
        SmtpConnection connection, string from, string to, string mail, CancellationToken cancellation)
    {
        if (await connection.AskAsync($"MAIL FROM:<{from}>", cancellation) is { IsGood: false } noSender)
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
        try
        {
            await connection.AskAsync("QUIT", cancellation);
        }
        catch (Exception exception) when (exception is SmtpException or IOException or OperationCanceledException)
        {
            // What was taken is taken, however the conversation ends.
        }

        return (verdict, reply.ToString());
    }

    private static bool Offers(SmtpReply greeting, string extension) =>
        greeting.Lines.Skip(1).Any(line => line.Trim().Equals(extension, StringComparison.OrdinalIgnoreCase));

    private static string[] Mechanisms(SmtpReply greeting) =>
        [.. greeting.Lines.Skip(1).Where(line => line.StartsWith("AUTH", StringComparison.OrdinalIgnoreCase))
            .SelectMany(line => line.ToUpperInvariant().Split([' ', '='], StringSplitOptions.RemoveEmptyEntries).Skip(1))];

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
