using System.Net.Security;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Outbound;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Mail;

/// <summary>How mails are handed to a relay, which is one that listens on a socket.</summary>
public sealed class SmtpSenderTests
{
    private static readonly RemoteCertificateValidationCallback _trusting = (_, given, _, _) => given is not null;

    [Fact]
    public async Task A_mail_arrives_as_it_was_written()
    {
        await using var relay = new TestMailServer();

        var sent = await SendAsync(relay, text: ".\n..dots\nschön = gut\n" + new string('x', 300) + "\nspace at the end \n");

        Assert.Equal(SmtpVerdict.Sent, sent.Verdict);
        var mail = await relay.NextAsync();
        Assert.Equal(("noreply@example.org", "bob@example.net"), (mail.From, mail.To));
        Assert.Equal(".\n..dots\nschön = gut\n" + new string('x', 300) + "\nspace at the end \n", mail.Text);
        Assert.Equal("Ein Gruß", mail.Header("Subject"));
        Assert.Equal("Küche <noreply@example.org>", mail.Header("From"));
        Assert.Equal("Sat, 28 Nov 2026 00:00:00 +0000", mail.Header("Date"));
        Assert.Equal("<id@example.org>", mail.Header("Message-ID"));
        Assert.All(mail.Data.Split("\r\n"), line => Assert.InRange(line.Length, 0, 78));
        Assert.Equal(["EHLO test.example", "MAIL FROM:<noreply@example.org>", "RCPT TO:<bob@example.net>", "DATA", "QUIT"], relay.Heard);
    }

    [Fact]
    public async Task A_relay_that_knows_no_EHLO_is_greeted_as_of_old_and_trusted_with_no_password()
    {
        await using var relay = new TestMailServer { Answer = line => line.StartsWith("EHLO", StringComparison.Ordinal) ? "500 what" : line.StartsWith("HELO", StringComparison.Ordinal) ? "250 hi" : null };

        Assert.Equal(SmtpVerdict.Sent, (await SendAsync(relay)).Verdict);
        Assert.Equal("HELO test.example", relay.Heard.ElementAt(1));
        Assert.Equal(SmtpVerdict.NoRelay, (await SendAsync(relay, options => options with { User = "me", Password = "secret" })).Verdict);
        Assert.Equal(SmtpVerdict.NoRelay, (await SendAsync(relay, options => options with { Security = SmtpSecurity.StartTls })).Verdict);
    }

    [Fact]
    public void No_text_becomes_a_header()
    {
        var mail = new MailMessage("bob@example.net", "Hi\r\nBcc: eve@example.net\r\n\r\nbody", "text")
            .Write(("noreply@example.org", "Eve\r\nBcc: eve@example.net"), "id", DateTimeOffset.UnixEpoch);

        Assert.DoesNotContain("\r\nBcc", mail, StringComparison.Ordinal);
        Assert.Equal("Hi  Bcc: eve@example.net    body", new TestMail("", "", mail).Header("Subject"));
    }

    [Theory]
    [InlineData("Alice@Example.ORG", "alice@example.org")]
    [InlineData("a.b+c@bücher.example", "a.b+c@xn--bcher-kva.example")]
    [InlineData("a@b", "a@b")]
    [InlineData("a@b\r\nRCPT TO:<c@d>", null)]
    [InlineData("a b@c", null)]
    [InlineData("<a@b>", null)]
    [InlineData("a@b>", null)]
    [InlineData("\"a\"@b", null)]
    [InlineData("Jösé.用户@Bücher.example", "jösé.用户@xn--bcher-kva.example")]
    [InlineData("a\u00A0b@c", null)]
    [InlineData("a\u202Eb@c", null)]
    [InlineData("a\u0085b@c", null)]
    [InlineData("用用用用用用用用用用用用用用用用用用用用用用@b", null)]
    [InlineData(".a@b", null)]
    [InlineData("a..b@c", null)]
    [InlineData("a@b..c", null)]
    [InlineData("a@-b", null)]
    [InlineData("a@b@c", null)]
    [InlineData("@b", null)]
    [InlineData("a@", null)]
    [InlineData("a", null)]
    [InlineData("", null)]
    public void Addresses_have_one_spelling(string text, string? canonical) => Assert.Equal(canonical, EmailAddress.Canonical(text));

    [Fact]
    public async Task An_address_of_another_alphabet_goes_to_a_relay_that_takes_it()
    {
        await using var relay = new TestMailServer { OffersUtf8 = true };

        Assert.Equal(SmtpVerdict.Sent, (await SendAsync(relay, to: "jösé@example.net")).Verdict);

        var mail = await relay.NextAsync();
        Assert.Equal(("jösé@example.net", "jösé@example.net"), (mail.To, mail.Header("To")));
        Assert.Equal("MAIL FROM:<noreply@example.org> BODY=8BITMIME SMTPUTF8", relay.Heard.ElementAt(1));
    }

    [Fact]
    public async Task A_relay_that_takes_ascii_only_is_not_told_of_it()
    {
        await using var relay = new TestMailServer();

        var sent = await SendAsync(relay, to: "jösé@example.net");
        Assert.Equal(SmtpVerdict.Refused, sent.Verdict);
        Assert.Contains("SMTPUTF8", sent.Reason, StringComparison.Ordinal);
        Assert.Equal(SmtpVerdict.NoRelay, (await SendAsync(relay, options => options with { From = "jösé@example.org" })).Verdict);
        Assert.DoesNotContain(relay.Heard, line => line.StartsWith("MAIL", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("PLAIN LOGIN")]
    [InlineData("LOGIN")]
    public async Task It_logs_in_and_the_password_goes_over_tls_where_that_is_offered(string mechanisms)
    {
        await using var relay = new TestMailServer { OffersTls = true, Account = ("me", "pässword"), Mechanisms = mechanisms };

        Assert.Equal(SmtpVerdict.Sent, (await SendAsync(relay, options => options with { User = "me", Password = "pässword" })).Verdict);
        Assert.All(relay.Heard.Skip(2), line => Assert.StartsWith("tls ", line, StringComparison.Ordinal));
        Assert.Equal(SmtpVerdict.NoRelay, (await SendAsync(relay, options => options with { User = "me", Password = "wrong" })).Verdict);
    }

    [Fact]
    public async Task Without_the_tls_that_is_demanded_nothing_is_said()
    {
        await using var relay = new TestMailServer { Account = ("me", "password") };

        var sent = await SendAsync(
            relay, options => options with { Security = SmtpSecurity.StartTls, User = "me", Password = "password" });

        Assert.Equal(SmtpVerdict.NoRelay, sent.Verdict);
        Assert.Equal(["EHLO test.example"], relay.Heard);
    }

    [Theory]
    [InlineData(SmtpSecurity.StartTls)]
    [InlineData(SmtpSecurity.Tls)]
    public async Task A_certificate_that_does_not_hold_is_not_trusted(SmtpSecurity security)
    {
        await using var relay = new TestMailServer { OffersTls = true, BeginsWithTls = security == SmtpSecurity.Tls };

        Assert.Equal(SmtpVerdict.NoRelay, (await SendAsync(relay, options => options with { Security = security })).Verdict);
        Assert.Equal(
            SmtpVerdict.Sent, (await SendAsync(relay, options => options with { Security = security }, certificate: _trusting)).Verdict);
    }

    [Fact]
    public async Task What_somebody_on_the_way_says_before_tls_is_not_believed()
    {
        await using var relay = new TestMailServer { OffersTls = true, Injected = "\r\n250 forged" };

        Assert.Equal(SmtpVerdict.NoRelay, (await SendAsync(relay)).Verdict);
        Assert.Equal(0, relay.Waiting);
    }

    [Theory]
    [InlineData("", "554 no", SmtpVerdict.NoRelay)]
    [InlineData("EHLO", "421 later", SmtpVerdict.NoRelay)]
    [InlineData("EHLO", "HTTP/1.1 400 Bad Request", SmtpVerdict.NoRelay)]
    [InlineData("MAIL", "553 not you", SmtpVerdict.NoRelay)]
    [InlineData("RCPT", "550 nobody", SmtpVerdict.Refused)]
    [InlineData("RCPT", "450 greylisted", SmtpVerdict.Later)]
    [InlineData("DATA", "451 later", SmtpVerdict.Later)]
    [InlineData(".", "554 spam", SmtpVerdict.Refused)]
    [InlineData(".", "452 full", SmtpVerdict.Later)]
    public async Task What_the_relay_says_decides(string command, string answer, SmtpVerdict verdict)
    {
        await using var relay = new TestMailServer();
        relay.Answer = line => (command.Length == 0 ? line.Length == 0 : line.StartsWith(command, StringComparison.Ordinal)) ? answer : null;

        Assert.Equal(verdict, (await SendAsync(relay)).Verdict);
    }

    [Fact]
    public async Task A_relay_that_talks_without_end_is_left()
    {
        await using var relay = new TestMailServer { Answer = line => line.Length == 0 ? "220-" + new string('x', 5_000) : null };

        Assert.Equal(SmtpVerdict.NoRelay, (await SendAsync(relay)).Verdict);
    }

    [Fact]
    public async Task Where_nobody_listens_nothing_is_lost()
    {
        int port;
        await using (var relay = new TestMailServer())
        {
            port = relay.Port;
        }

        Assert.Equal(SmtpVerdict.NoRelay, (await SendAsync(port, options => options, "text", null)).Verdict);
    }

    private static Task<(SmtpVerdict Verdict, string Reason)> SendAsync(
        TestMailServer relay,
        Func<EmailOptions, EmailOptions>? change = null,
        string text = "text",
        RemoteCertificateValidationCallback? certificate = null,
        string to = "bob@example.net") => SendAsync(relay.Port, change ?? (options => options), text, certificate, to);

    private static async Task<(SmtpVerdict Verdict, string Reason)> SendAsync(
        int port, Func<EmailOptions, EmailOptions> change, string text, RemoteCertificateValidationCallback? certificate, string to = "bob@example.net")
    {
        using var network = new OutboundNetwork(new AddressPolicy([]), TimeProvider.System);
        var options = change(new EmailOptions("127.0.0.1", port, "Küche <noreply@example.org>", "https://example.org"));
        var from = EmailOptions.ReadFrom(options.From)!.Value;
        var mail = new MailMessage(to, "Ein Gruß", text)
            .Write(from, "id", new DateTimeOffset(2026, 11, 28, 0, 0, 0, TimeSpan.Zero));
        return await new SmtpSender(options, network, "test.example", TimeProvider.System, certificate)
            .SendAsync(from.Address, to, mail, default);
    }
}
