using System.Text;
using System.Text.Json;
using EdgeMatrix.Accounts.Passwords;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.Configuration;
using EdgeMatrix.Protocol;
using EdgeMatrix.Storage;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace EdgeMatrix.Testing;

/// <summary>How the requests of a test reach its server.</summary>
public enum Transport
{
    /// <summary>Without sockets: nothing of the machine is shared, and any number of servers run side by side.</summary>
    Memory,

    /// <summary>A free port of the loopback, through the real listener.</summary>
    Loopback,
}

/// <summary>
/// The whole server as users get it, over a data folder that dies with it, on virtual time and with randomness from a seed:
/// as many in one process as a test likes.
/// </summary>
public sealed class TestHomeserver : IAsyncDisposable
{
    private static readonly DateTimeOffset _start = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000);

    private static readonly PasswordCost _cheapest = new(MemoryKiB: 8, Passes: 1);

    private readonly Settings _settings;
    private readonly Homeserver _homeserver;
    private bool _ended;

    private TestHomeserver(Settings settings, Homeserver homeserver, HttpClient http)
    {
        _settings = settings;
        _homeserver = homeserver;
        Http = http;
    }

    /// <summary>The clock, where the test has given no other.</summary>
    public FakeTimeProvider Time => (FakeTimeProvider)_settings.Time;

    public HttpClient Http { get; }

    public string ServerName => _homeserver.ServerName;

    /// <summary>How many writes were asked for.</summary>
    public long Writes => Part<Database>().Writes;

    /// <summary>Where its database is, for what works on the files beside a running server.</summary>
    public string DataFolder => _settings.Data;

    /// <summary>The parts of the server's object graph, as its endpoints get them.</summary>
    public T Part<T>()
        where T : notnull => _homeserver.Services.GetRequiredService<T>();

    /// <summary>Ends when all writes so far are on the disk; is a write itself.</summary>
    public Task WritesSettledAsync() => Part<Database>().WriteAsync(_ => { });

    /// <summary>Moves the clock on, and ends when the upkeep that became due by it is done.</summary>
    public async Task UpkeepAsync(TimeSpan later)
    {
        Time.Advance(later);
        await _homeserver.Upkeep.IdleAsync();
    }

    /// <param name="change">Changes the configuration; registration is open unless it says otherwise.</param>
    /// <param name="seed">Two servers of one seed make the same keys, tokens and ids.</param>
    /// <param name="network">Where others find it by its name while it runs, if its transport is memory.</param>
    /// <param name="readers">
    /// How many snapshots can be open at once. With one, a request that opens a second beside its own is found; a test that holds one itself while
    /// requests are served needs two.
    /// </param>
    /// <param name="time">The clock of many servers; null: one of its own, which the test moves.</param>
    /// <param name="writesInPool">No thread but those of the pool does anything.</param>
    public static Task<TestHomeserver> StartAsync(
        Func<HomeserverOptions, HomeserverOptions>? change = null,
        Transport transport = Transport.Memory,
        string name = "test",
        ulong seed = 1,
        TestNetwork? network = null,
        int readers = 1,
        TimeProvider? time = null,
        bool writesInPool = false) =>
        StartAsync(new Settings(
            change ?? (options => options),
            transport,
            name,
            seed,
            network,
            readers,
            TestFolder.WithDatabase(),
            time ?? new FakeTimeProvider(_start),
            writesInPool));

    /// <summary>Starts over a data folder that is there; it dies with the server.</summary>
    public static Task<TestHomeserver> StartOnAsync(string data, ulong seed = 2, string name = "test", TestNetwork? network = null) =>
        StartAsync(new Settings(options => options, Transport.Memory, name, seed, network, 1, data, new FakeTimeProvider(_start), false));

    /// <summary>Stops the server and starts it again over the same data, later in the same virtual time.</summary>
    /// <param name="change">Changes the configuration; null: it stays as it was.</param>
    /// <param name="meanwhile">What happens to the data while no server has it.</param>
    public async Task<TestHomeserver> RestartAsync(
        Func<HomeserverOptions, HomeserverOptions>? change = null, Func<HomeserverOptions, Task>? meanwhile = null)
    {
        _ended = true;
        await StopAsync();
        if (meanwhile is not null)
        {
            await meanwhile(new HomeserverOptions { Server = new ServerOptions { Name = _settings.Name, Data = _settings.Data } });
        }

        return await StartAsync(_settings with { Seed = _settings.Seed + 1, Change = change ?? _settings.Change });
    }

    /// <summary>Copies what is on the disk at this moment, as a power cut would leave it. From now on others find the server no more.</summary>
    /// <returns>The folder of the copy.</returns>
    public string CopyData()
    {
        _settings.Network?.Leave(_settings.Name);
        var copy = TestFolder.Create();
        foreach (var file in Directory.EnumerateFiles(_settings.Data, "*", SearchOption.AllDirectories))
        {
            // The one says that a process has the file; the other is made anew by the next.
            if (Path.GetExtension(file) is ".lock" or ".db-shm")
            {
                continue;
            }

            var target = Path.Combine(copy, Path.GetRelativePath(_settings.Data, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return copy;
    }

    /// <summary>Starts over data of <see cref="CopyData"/>; what this server still did is for nobody.</summary>
    public async Task<TestHomeserver> StartAgainOnAsync(string data)
    {
        _ended = true;
        await StopAsync();
        Directory.Delete(_settings.Data, recursive: true);
        return await StartAsync(_settings with { Data = data, Seed = _settings.Seed + 1 });
    }

    /// <summary>Registers a user with the password <c>secret</c>, and a device for it.</summary>
    public async Task<TestSession> RegisterAsync(string localpart, string? deviceId = null)
    {
        var body = new Dictionary<string, object?>
        {
            ["username"] = localpart,
            ["password"] = "secret",
            ["device_id"] = deviceId,
            ["auth"] = new Dictionary<string, string> { ["type"] = "m.login.dummy" },
        };
        return Session(await PostAsync("/_matrix/client/v3/register", JsonSerializer.Serialize(body)));
    }

    /// <summary>Logs a user of <see cref="RegisterAsync"/> in once more.</summary>
    public async Task<TestSession> LogInAsync(string localpart, string? deviceId = null)
    {
        var body = new Dictionary<string, object?>
        {
            ["type"] = "m.login.password", ["user"] = localpart, ["password"] = "secret", ["device_id"] = deviceId,
        };
        return Session(await PostAsync("/_matrix/client/v3/login", JsonSerializer.Serialize(body)));
    }

    public Task<TestAnswer> GetAsync(string path, string? token = null) => SendAsync(HttpMethod.Get, path, token, null);

    public Task<TestAnswer> PostAsync(string path, string body, string? token = null) => SendAsync(HttpMethod.Post, path, token, body);

    /// <param name="path">Over the loopback sent as it is written, percent signs and dots and all.</param>
    /// <param name="body">Sent without a Content-Type, which clients need not give.</param>
    public async Task<TestAnswer> SendAsync(HttpMethod method, string path, string? token, string? body)
    {
        var uri = new Uri(
            Http.BaseAddress!.GetLeftPart(UriPartial.Authority) + path,
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = _settings.Transport == Transport.Loopback });
        using var request = new HttpRequestMessage(method, uri);
        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        }

        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        }

        using var response = await Http.SendAsync(request);
        var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(
            header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase);
        return new TestAnswer(response.StatusCode, await response.Content.ReadAsStringAsync(), headers);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_ended)
        {
            _ended = true;
            await StopAsync();
            Directory.Delete(_settings.Data, recursive: true);
        }
    }

    private static async Task<TestHomeserver> StartAsync(Settings settings)
    {
        var options = settings.Change(new HomeserverOptions
        {
            Server = new ServerOptions { Name = settings.Name, Listen = ["http://127.0.0.1:0"], Data = settings.Data },
            Registration = new RegistrationOptions { Open = true },
            Limits = RateLimits.Off,
            Presence = new PresenceOptions { Enabled = false },
            Federation = new FederationOptions { Enabled = settings.Network is not null, TrustedKeyServers = [] },
        });
        var surroundings = new Surroundings
        {
            Time = settings.Time,
            Random = new SeededRandom(settings.Seed),
            Readers = settings.Readers,
            WritesInPool = settings.WritesInPool,
            PasswordCost = _cheapest,
            Memory = new ProcessMemory(() => 0, () => { }),
            Outbound = settings.Network?.HandlerOf(settings.Name, settings.Time),
            Program = ["dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "edgematrix.dll")],
            Transport = settings.Transport == Transport.Memory ? web => web.UseTestServer() : null,
        };
        var homeserver = await Homeserver.BuildAsync(options, surroundings);
        await homeserver.StartAsync(CancellationToken.None);
        if (homeserver.Services.GetRequiredService<IServer>() is not TestServer memory)
        {
            return new TestHomeserver(settings, homeserver, new HttpClient(TrafficRecorder.Before(new SocketsHttpHandler()))
            {
                BaseAddress = new Uri(homeserver.Addresses[0]),
            });
        }

        settings.Network?.Join(settings.Name, TrafficRecorder.Before(memory.CreateHandler()));
        return new TestHomeserver(settings, homeserver, new HttpClient(TrafficRecorder.Before(memory.CreateHandler())) { BaseAddress = memory.BaseAddress });
    }

    private TestSession Session(TestAnswer answer) =>
        new(this, answer["user_id"].GetString()!, answer["device_id"].GetString()!, answer["access_token"].GetString()!);

    private async Task StopAsync()
    {
        Http.Dispose();
        _settings.Network?.Leave(_settings.Name);
        await _homeserver.StopAsync(CancellationToken.None);
        await _homeserver.DisposeAsync();
    }

    private sealed record Settings(
        Func<HomeserverOptions, HomeserverOptions> Change,
        Transport Transport,
        string Name,
        ulong Seed,
        TestNetwork? Network,
        int Readers,
        string Data,
        TimeProvider Time,
        bool WritesInPool);
}
