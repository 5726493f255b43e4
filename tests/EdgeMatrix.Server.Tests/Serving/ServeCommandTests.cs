using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using EdgeMatrix.CommandLine;
using EdgeMatrix.Configuration;
using Xunit;

namespace EdgeMatrix.Server.Tests.Serving;

public sealed partial class ServeCommandTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("edgematrix-test-").FullName;
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _error.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    [Fact]
    public async Task The_ready_line_names_every_listener_with_its_real_port()
    {
        var output = await ServeUntilReadyAsync(["http://127.0.0.1:0", "https://127.0.0.1:0"], "here.test", (_, _) => Task.CompletedTask);

        Assert.Matches(ReadyLine(), output);
    }

    [Fact]
    public async Task A_self_signed_certificate_is_made_once_and_kept_from_others()
    {
        X509Certificate2? first = null, second = null;
        await ServeUntilReadyAsync(["https://127.0.0.1:0"], "here.test", async (url, _) => first = await CertificateOfAsync(url));
        await ServeUntilReadyAsync(["https://127.0.0.1:0"], "here.test", async (url, _) => second = await CertificateOfAsync(url));

        Assert.Equal(first!.Thumbprint, second!.Thumbprint);
        Assert.True(first.MatchesHostname("here.test"));
        Assert.True(first.MatchesHostname("localhost"));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_data, "self-signed.pem")));
        }
    }

    [Fact]
    public async Task An_address_that_is_taken_is_failure_told_in_a_line()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var options = Options([$"http://{taken.LocalEndpoint}"], "here.test");

        Assert.Equal(1, await ServeCommand.RunAsync(options, Terminal(new StringWriter()), TestContext.Current.CancellationToken));
        Assert.Matches(@"^edgematrix: Failed to bind to address http://127\.0\.0\.1:\d+: address already in use\.\n$", _error.ToString());
    }

    [Fact]
    public async Task A_certificate_that_is_missing_is_failure_told_in_a_line()
    {
        var options = Options(["https://127.0.0.1:0"], "here.test") with { Tls = new TlsOptions { Cert = "/nowhere/a.pem", Key = "/nowhere/b.pem" } };

        Assert.Equal(1, await ServeCommand.RunAsync(options, Terminal(new StringWriter()), TestContext.Current.CancellationToken));
        Assert.Contains("/nowhere/a.pem", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_sends_a_huge_body_to_its_end_is_told_that_it_is_too_large()
    {
        var answer = "";
        await ServeUntilReadyAsync(["http://127.0.0.1:0"], "here.test", async (url, token) =>
        {
            const int length = 12 << 20;
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, new Uri(url).Port, token);
            var stream = client.GetStream();
            var head = $"POST /_matrix/client/v3/login HTTP/1.1\r\nHost: here.test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n";
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head), token);

            // As browsers do: the answer is read when the body is out.
            await stream.WriteAsync(new byte[length], token);
            using var reader = new StreamReader(stream);
            answer = await reader.ReadToEndAsync(token);
        });

        Assert.StartsWith("HTTP/1.1 413 ", answer, StringComparison.Ordinal);
        Assert.Contains("""{"errcode":"M_TOO_LARGE",""", answer, StringComparison.Ordinal);
        Assert.Contains("Access-Control-Allow-Origin: *", answer, StringComparison.Ordinal);
    }

    private async Task<string> ServeUntilReadyAsync(string[] listen, string name, Func<string, CancellationToken, Task> whileServing)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var output = new SignallingWriter("ready ");
        var serving = ServeCommand.RunAsync(Options(listen, name), Terminal(output), stop.Token);
        await Task.WhenAny(output.Seen, serving);
        await whileServing(UrlOf().Match(output.ToString()).Value, TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        Assert.Equal(0, await serving);
        return output.ToString();
    }

    private HomeserverOptions Options(string[] listen, string name) =>
        new() { Server = new ServerOptions { Name = name, Listen = listen, Data = _data } };

    private Terminal Terminal(TextWriter output) => new(() => null, output, _error);

    private static async Task<X509Certificate2?> CertificateOfAsync(string url)
    {
        X509Certificate2? seen = null;
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, certificate, _, _) =>
            {
                seen = X509CertificateLoader.LoadCertificate(certificate!.RawData);
                return true;
            },
        };
        using var client = new HttpClient(handler);
        Assert.Equal("""{"status":"ok"}""", await client.GetStringAsync(new Uri($"{url}/health"), TestContext.Current.CancellationToken));
        return seen;
    }

    [GeneratedRegex(@"\nready server_name=here\.test listen=http://127\.0\.0\.1:[1-9]\d*,https://127\.0\.0\.1:[1-9]\d*\n$")]
    private static partial Regex ReadyLine();

    [GeneratedRegex(@"(?<=listen=)\S+")]
    private static partial Regex UrlOf();

    /// <summary>Completes once a line that begins with a word was written.</summary>
    private sealed class SignallingWriter(string word) : StringWriter
    {
        private readonly TaskCompletionSource _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Seen => _seen.Task;

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value?.StartsWith(word, StringComparison.Ordinal) == true)
            {
                _seen.TrySetResult();
            }
        }
    }
}
