using System.Net;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.Devices;
using EdgeMatrix.Accounts.Filters;
using EdgeMatrix.Accounts.Passwords;
using EdgeMatrix.Accounts.Profiles;
using EdgeMatrix.Accounts.PushRules;
using EdgeMatrix.Accounts.Registration;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.ClientApi;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Rooms.Receipts;
using EdgeMatrix.Rooms.Typing;
using EdgeMatrix.Storage;
using EdgeMatrix.Sync;
using EdgeMatrix.Sync.Filters;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

/// <summary>The Client-Server API over HTTP and a real database, on virtual time.</summary>
internal sealed class ClientApiServer : IAsyncDisposable
{
    public const string Secret = "shared secret";

    private readonly string _folder = Directory.CreateTempSubdirectory("edgematrix-").FullName;
    private readonly Database _database;
    private readonly PasswordHasher _passwords;
    private readonly SigningKey _key = SigningKey.FromSeed("1", new byte[32]);
    private readonly TypingUsers _typing;
    private readonly WebApplication _app;
    private readonly HttpClient _http = new();

    private ClientApiServer(ClientApiOptions options, bool sharedSecret)
    {
        Time = new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000));
        var random = new SeededRandom(1);
        var server = new LocalServer("test", _key);
        _database = Database.Open(new DatabaseOptions(Path.Combine(_folder, "test.db")));
        var notifier = new ChangeNotifier(() => _database.CommittedPosition);
        var engine = new RoomEngine(_database, server, notifier, Time);
        var members = new RoomMembers(engine);
        _typing = new TypingUsers(notifier, Time);
        _passwords = new PasswordHasher(random);
        var accessTokens = new AccessTokens(_database, Time);
        var logins = new Logins(_database, accessTokens, random, Time);
        Accounts = new UserAccounts(_database, server, _passwords, logins, notifier, random, Time);

        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services
            .AddSingleton(options)
            .AddSingleton(new SharedSecretSetting(sharedSecret ? new SharedSecretRegistration(Secret, random, Time) : null))
            .AddSingleton(server)
            .AddSingleton(engine)
            .AddSingleton(members)
            .AddSingleton(new RoomCreation(engine, random, options.DefaultRoomVersion))
            .AddSingleton(new ReadReceipts(engine))
            .AddSingleton(_typing)
            .AddSingleton(new SyncEngine(engine, _typing))
            .AddSingleton(new StoredFilters(_database))
            .AddSingleton(Accounts)
            .AddSingleton(accessTokens)
            .AddSingleton(logins)
            .AddSingleton(new UserInteractiveAuthentication(Accounts, random, Time))
            .AddSingleton(new UserDevices(_database))
            .AddSingleton(new UserProfiles(_database, members))
            .AddSingleton(new AccountData(_database, notifier))
            .AddSingleton(new RoomTags(_database, notifier))
            .AddSingleton(new UserFilters(_database))
            .AddSingleton(new UserPushRules(_database, notifier));
        _app = builder.Build();
        _app.UseClientApi();
        _app.MapClientApi();
        _app.MapGet("/_matrix/client/v3/test/broken", () => { throw new InvalidOperationException("secret detail"); });
        _app.MapGet("/_matrix/client/v3/test/segments/{first}/{second?}", (string first, string? second) => $"{first}|{second}");
    }

    public FakeTimeProvider Time { get; }

    public UserAccounts Accounts { get; }

    /// <summary>How many writes were asked for.</summary>
    public long Writes => _database.Writes;

    /// <summary>Ends when all writes so far are on the disk; is a write itself.</summary>
    public Task WritesSettledAsync() => _database.WriteAsync(_ => { });

    public static async Task<ClientApiServer> StartAsync(ClientApiOptions? options = null, bool sharedSecret = false)
    {
        var server = new ClientApiServer(options ?? new ClientApiOptions { RegistrationOpen = true }, sharedSecret);
        await server._app.StartAsync();
        return server;
    }

    /// <summary>Registers a user with the password <c>secret</c>.</summary>
    public async Task<ClientSession> RegisterAsync(string name, string? deviceId = null)
    {
        var body = new Dictionary<string, object?>
        {
            ["username"] = name,
            ["password"] = "secret",
            ["device_id"] = deviceId,
            ["auth"] = new Dictionary<string, string> { ["type"] = "m.login.dummy" },
        };
        var answer = await SendAsync(HttpMethod.Post, "/_matrix/client/v3/register", null, JsonSerializer.Serialize(body));
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return new ClientSession(this, answer["user_id"].GetString()!, answer["device_id"].GetString()!, answer["access_token"].GetString()!);
    }

    public Task<ClientAnswer> GetAsync(string path, string? token = null) => SendAsync(HttpMethod.Get, path, token, null);

    public Task<ClientAnswer> PostAsync(string path, string body, string? token = null) => SendAsync(HttpMethod.Post, path, token, body);

    public async Task<ClientAnswer> SendAsync(HttpMethod method, string path, string? token, string? body)
    {
        // The path goes out as it is written here, %2E%2E and all.
        var uri = new Uri(_app.Urls.Single() + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var request = new HttpRequestMessage(method, uri);
        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        }

        if (body is not null)
        {
            // No Content-Type: clients need not send one.
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        }

        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(
            header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase);
        return new ClientAnswer(response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), headers);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _typing.Dispose();
        _passwords.Dispose();
        await _database.DisposeAsync();
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>A logged-in device.</summary>
internal sealed record ClientSession(ClientApiServer Server, string UserId, string DeviceId, string Token)
{
    public Task<ClientAnswer> GetAsync(string path) => Server.SendAsync(HttpMethod.Get, path, Token, null);

    public Task<ClientAnswer> PutAsync(string path, string body) => Server.SendAsync(HttpMethod.Put, path, Token, body);

    public Task<ClientAnswer> PostAsync(string path, string body) => Server.SendAsync(HttpMethod.Post, path, Token, body);

    public Task<ClientAnswer> DeleteAsync(string path, string? body = null) => Server.SendAsync(HttpMethod.Delete, path, Token, body);
}

internal sealed record ClientAnswer(HttpStatusCode Status, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public JsonElement Json => JsonElement.Parse(Body);

    public JsonElement this[string name] => Json.GetProperty(name);

    public (int Status, string? Code) Error => ((int)Status, Json.TryGetProperty("errcode", out var code) ? code.GetString() : null);
}
