using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace EdgeMatrix.Testing;

/// <summary>A mail server on a free port of the loopback: it speaks SMTP as a relay does, and keeps what it takes.</summary>
public sealed class TestMailServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly BlockingCollection<TestMail> _mails = [];
    private readonly Task _accepting;

    public TestMailServer()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Answers a command in place of the server; null: it answers itself.</summary>
    public Func<string, string?> Answer { get; set; } = _ => null;

    /// <summary>Whether it offers STARTTLS.</summary>
    public bool OffersTls { get; init; }

    /// <summary>Whether it takes addresses that are not ASCII.</summary>
    public bool OffersUtf8 { get; init; }

    /// <summary>Whether it begins with TLS.</summary>
    public bool BeginsWithTls { get; init; }

    /// <summary>What it says, in the clear, behind its consent to STARTTLS.</summary>
    public string Injected { get; init; } = "";

    /// <summary>Who may send, where that is asked.</summary>
    public (string User, string Password)? Account { get; init; }

    public string Mechanisms { get; init; } = "PLAIN LOGIN";

    /// <summary>A certificate of its own making, for <c>localhost</c>.</summary>
    public X509Certificate2 Certificate { get; } = MakeCertificate();

    /// <summary>Every line that it was told, with a mark before what came over TLS.</summary>
    public ConcurrentQueue<string> Heard { get; } = new();

    /// <summary>How many mails came that nobody asked for yet.</summary>
    public int Waiting => _mails.Count;

    /// <summary>The next mail that it got, waited for if need be.</summary>
    public Task<TestMail> NextAsync() => Task.Run(() =>
        _mails.TryTake(out var mail, TimeSpan.FromSeconds(30)) ? mail : throw new TimeoutException("no mail came"));

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _mails.Dispose();
        _stopping.Dispose();
        Certificate.Dispose();
    }

    private async Task AcceptAsync()
    {
        var conversations = new List<Task>();
        try
        {
            while (true)
            {
                conversations.Add(ConverseAsync(await _listener.AcceptTcpClientAsync(_stopping.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped, be it before it began.
        }

        await Task.WhenAll(conversations);
    }

    private async Task ConverseAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                Stream stream = client.GetStream();
                if (BeginsWithTls)
                {
                    stream = await SecureAsync(stream);
                }

                while (await TalkAsync(stream))
                {
                    stream = await SecureAsync(stream);
                }
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
            {
                // Whoever hung up, or did not trust the certificate, is not served.
            }
        }
    }

    private async Task<SslStream> SecureAsync(Stream stream)
    {
        var secure = new SslStream(stream);
        await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = Certificate }, _stopping.Token);
        return secure;
    }

    /// <returns>Whether TLS is to begin.</returns>
    private async Task<bool> TalkAsync(Stream stream)
    {
        var secured = stream is SslStream;
        var known = Account is null;
        var (from, to) = ("", "");
        using var reader = new StreamReader(stream, Encoding.UTF8, false, 1, leaveOpen: true);
        if (!secured || BeginsWithTls)
        {
            await SayAsync(Answer("") ?? "220 test ready");
        }

        while (await reader.ReadLineAsync(_stopping.Token) is { } line)
        {
            Heard.Enqueue((secured ? "tls " : "") + line);
            var command = line.Split(' ', ':')[0].ToUpperInvariant();
            if (Answer(line) is { } answer)
            {
                await SayAsync(answer);
                continue;
            }

            switch (command)
            {
                case "EHLO":
                    await SayAsync("250-test\r\n250-8BITMIME" + (OffersTls && !secured ? "\r\n250-STARTTLS" : "") + (OffersUtf8 ? "\r\n250-SMTPUTF8" : "")
                        + (Account is null ? "" : "\r\n250-AUTH " + Mechanisms) + "\r\n250 SIZE");
                    break;
                case "STARTTLS" when OffersTls:
                    await SayAsync("220 go on" + Injected);
                    return true;
                case "AUTH":
                    known = Account == (line.StartsWith("AUTH PLAIN ", StringComparison.Ordinal)
                        ? Plain(line["AUTH PLAIN ".Length..])
                        : (await AskAsync("VXNlcm5hbWU6"), await AskAsync("UGFzc3dvcmQ6")));
                    await SayAsync(known ? "235 welcome" : "535 who?");
                    break;
                case "MAIL" when known:
                    from = Between(line);
                    await SayAsync("250 ok");
                    break;
                case "RCPT" when from.Length > 0:
                    to = Between(line);
                    await SayAsync("250 ok");
                    break;
                case "DATA" when to.Length > 0:
                    await SayAsync("354 go on");
                    if (await ReadMailAsync(reader) is not { } data)
                    {
                        return false;
                    }

                    var mail = new TestMail(from, to, data);
                    var verdict = Answer(".") ?? "250 taken";
                    if (verdict.StartsWith("250", StringComparison.Ordinal))
                    {
                        _mails.Add(mail);
                    }

                    await SayAsync(verdict);
                    break;
                case "QUIT":
                    await SayAsync("221 bye");
                    return false;
                default:
                    await SayAsync("503 not now");
                    break;
            }
        }

        return false;

        Task SayAsync(string text) => stream.WriteAsync(Encoding.ASCII.GetBytes(text + "\r\n"), _stopping.Token).AsTask();

        async Task<string> AskAsync(string question)
        {
            await SayAsync("334 " + question);
            return Encoding.UTF8.GetString(Convert.FromBase64String((await reader.ReadLineAsync(_stopping.Token))!));
        }
    }

    /// <returns>Null if it broke off.</returns>
    private static async Task<string?> ReadMailAsync(StreamReader reader)
    {
        var mail = new StringBuilder();
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line == ".")
            {
                return mail.ToString();
            }

            mail.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
        }

        return null;
    }

    private static (string User, string Password) Plain(string base64)
    {
        var fields = Encoding.UTF8.GetString(Convert.FromBase64String(base64)).Split('\0');
        return (fields[1], fields[2]);
    }

    private static string Between(string line) => line[(line.IndexOf('<', StringComparison.Ordinal) + 1)..line.IndexOf('>', StringComparison.Ordinal)];

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
