using System.Net;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Configuration;
using EdgeMatrix.Protocol;
using Microsoft.AspNetCore.Hosting;
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
    private readonly Settings _settings;
    private readonly Homeserver _homeserver;
    private bool _handedOn;

    private TestHomeserver(Settings settings, Homeserver homeserver, HttpClient http)
    {
        _settings = settings;
        _homeserver = homeserver;
        Http = http;
    }

    public FakeTimeProvider Time => _settings.Time;

    public HttpClient Http { get; }

    public string ServerName => _homeserver.ServerName;

    /// <summary>The parts of the server's object graph, as its endpoints get them.</summary>
    public T Part<T>()
        where T : notnull => _homeserver.Services.GetRequiredService<T>();

    /// <param name="change">Changes the configuration; registration is open unless it says otherwise.</param>
    /// <param name="seed">Two servers of one seed make the same keys, tokens and ids.</param>
    public static Task<TestHomeserver> StartAsync(
        Func<HomeserverOptions, HomeserverOptions>? change = null, Transport transport = Transport.Memory, string name = "test", ulong seed = 1) =>
        StartAsync(new Settings(
            change ?? (options => options),
            transport,
            name,
            seed,
            Directory.CreateTempSubdirectory("edgematrix-test-").FullName,
            new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000))));

    /// <summary>Stops the server and starts it again over the same data, later in the same virtual time.</summary>
    public async Task<TestHomeserver> RestartAsync()
    {
        _handedOn = true;
        await StopAsync();
        return await StartAsync(_settings with { Seed = _settings.Seed + 1 });
    }

    /// <summary>Registers a user with the password <c>secret</c>, and a device for it.</summary>
    public async Task<TestSession> RegisterAsync(string localpart)
    {
        var answer = await SendAsync(
            HttpMethod.Post,
            "/_matrix/client/v3/register",
            null,
            $$$"""{"username":"{{{localpart}}}","password":"secret","auth":{"type":"m.login.dummy"}}""");
        return new TestSession(this, answer["user_id"].GetString()!, answer["access_token"].GetString()!);
    }

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
        return new TestAnswer(response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (!_handedOn)
        {
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
        });
        var surroundings = new Surroundings
        {
            Time = settings.Time,
            Random = new SeededRandom(settings.Seed),
            Transport = settings.Transport == Transport.Memory ? web => web.UseTestServer() : null,
        };
        var homeserver = await Homeserver.BuildAsync(options, surroundings);
        await homeserver.StartAsync(CancellationToken.None);
        var http = homeserver.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>() is TestServer memory
            ? memory.CreateClient()
            : new HttpClient { BaseAddress = new Uri(homeserver.Addresses[0]) };
        return new TestHomeserver(settings, homeserver, http);
    }

    private async Task StopAsync()
    {
        Http.Dispose();
        await _homeserver.StopAsync(CancellationToken.None);
        await _homeserver.DisposeAsync();
    }

    private sealed record Settings(
        Func<HomeserverOptions, HomeserverOptions> Change, Transport Transport, string Name, ulong Seed, string Data, FakeTimeProvider Time);
}

/// <summary>A logged-in device.</summary>
public sealed record TestSession(TestHomeserver Server, string UserId, string Token)
{
    public Task<TestAnswer> GetAsync(string path) => Server.SendAsync(HttpMethod.Get, path, Token, null);

    public Task<TestAnswer> PutAsync(string path, string body) => Server.SendAsync(HttpMethod.Put, path, Token, body);

    public Task<TestAnswer> PostAsync(string path, string body) => Server.SendAsync(HttpMethod.Post, path, Token, body);

    public Task<TestAnswer> DeleteAsync(string path) => Server.SendAsync(HttpMethod.Delete, path, Token, null);

    public async Task<string> CreateRoomAsync(string body = """{"preset":"public_chat"}""") =>
        (await PostAsync("/_matrix/client/v3/createRoom", body))["room_id"].GetString()!;

    public async Task<string> SendTextAsync(string roomId, string text, string txnId) => (await PutAsync(
        $"/_matrix/client/v3/rooms/{roomId}/send/m.room.message/{txnId}", $$"""{"msgtype":"m.text","body":"{{text}}"}"""))["event_id"].GetString()!;
}

public sealed record TestAnswer(HttpStatusCode Status, string Body)
{
    public JsonElement Json => JsonElement.Parse(Body);

    public JsonElement this[string name] => Json.GetProperty(name);

    /// <summary>The status and the <c>errcode</c>, null where the answer has none.</summary>
    public (int Status, string? Code) Error =>
        ((int)Status, Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty("errcode", out var code) ? code.GetString() : null);
}
