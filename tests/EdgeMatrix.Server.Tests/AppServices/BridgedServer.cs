using System.Text.Json;
using EdgeMatrix.Configuration;
using EdgeMatrix.Configuration.AppServices;
using EdgeMatrix.Server.Tests.Outbound;
using EdgeMatrix.Testing;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Server.Tests.AppServices;

/// <summary>A server with an application service on the loopback, that of a bridge to IRC, which takes whatever it is sent.</summary>
internal sealed class BridgedServer : IAsyncDisposable
{
    public const string V3 = "/_matrix/client/v3";
    public const string Token = "as_secret";
    public const string Sender = "@ircbot:test";

    private int _transactions;

    private BridgedServer(Peer bridge, TestHomeserver server) => (Bridge, Server) = (bridge, server);

    public Peer Bridge { get; }

    public TestHomeserver Server { get; private set; }

    /// <param name="more">Further lines of the registration.</param>
    /// <param name="change">Changes the text of the registration.</param>
    public static async Task<BridgedServer> StartAsync(
        string more = "", Func<string, string>? change = null, Func<HomeserverOptions, HomeserverOptions>? options = null)
    {
        var bridge = await Peer.StartAsync();
        var text = $"""
            id: irc
            url: {bridge.Url}
            as_token: {Token}
            hs_token: hs_secret
            sender_localpart: ircbot
            namespaces:
              users:
              - exclusive: true
                regex: '@_irc_.*'
              aliases:
              - exclusive: true
                regex: '#_irc_.*'
            {more}
            """;
        var services = Registered(change is null ? text : change(text));
        var server = await TestHomeserver.StartAsync(plain =>
            (options is null ? plain : options(plain)) with { AppServices = services });
        return new BridgedServer(bridge, server);
    }

    public static AppServiceOptions Registered(params string[] registrations)
    {
        var folder = Directory.CreateTempSubdirectory("edgematrix-test-").FullName;
        var files = registrations.Select((text, i) => Path.Combine(folder, $"{i}.yaml")).ToList();
        var problems = new List<string>();
        for (var i = 0; i < files.Count; i++)
        {
            File.WriteAllText(files[i], registrations[i]);
        }

        var read = RegistrationFile.ReadAll(files, problems);
        Directory.Delete(folder, recursive: true);
        return problems.Count == 0 ? new AppServiceOptions { Files = files, Registrations = read } : throw new ArgumentException(problems[0]);
    }

    public async Task RestartAsync() => Server = await Server.RestartAsync();

    /// <summary>Makes a user of the application service.</summary>
    public async Task<string> MakeUserAsync(string localpart)
    {
        var answer = await PostAsync(
            $"{V3}/register", $$"""{"type":"m.login.application_service","username":"{{localpart}}","inhibit_login":true}""");
        return answer["user_id"].GetString()!;
    }

    public Task<TestAnswer> GetAsync(string path, string? user = null) => Server.SendAsync(HttpMethod.Get, As(path, user), Token, null);

    public Task<TestAnswer> PostAsync(string path, string body, string? user = null) => Server.SendAsync(HttpMethod.Post, As(path, user), Token, body);

    public Task<TestAnswer> PutAsync(string path, string body, string? user = null) => Server.SendAsync(HttpMethod.Put, As(path, user), Token, body);

    public Task<TestAnswer> DeleteAsync(string path, string? user = null) => Server.SendAsync(HttpMethod.Delete, As(path, user), Token, null);

    public async Task<string> SayAsync(string room, string text, string? user = null, string more = "") => (await PutAsync(
        $"{V3}/rooms/{room}/send/m.room.message/{++_transactions}{more}", $$"""{"msgtype":"m.text","body":"{{text}}"}""", user))["event_id"].GetString()!;

    /// <summary>The next transaction; what else was asked meanwhile is passed over.</summary>
    public async Task<PeerRequest> NextAsync()
    {
        while (true)
        {
            var request = await Bridge.NextAsync();
            if (request.Path.StartsWith("/_matrix/app/v1/transactions/", StringComparison.Ordinal))
            {
                return request;
            }
        }
    }

    /// <summary>The first of the next transactions that has a member, and its value.</summary>
    public async Task<JsonElement> NextWithAsync(string name)
    {
        while (true)
        {
            if ((await NextAsync()).Json.TryGetProperty(name, out var value) && (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > 0))
            {
                return value;
            }
        }
    }

    /// <summary>Waits until the application service was told of everything so far, and gives the ids of those events, in order.</summary>
    public async Task<List<string>> UntilAsync(string eventId)
    {
        var ids = new List<string>();
        while (!ids.Contains(eventId))
        {
            ids.AddRange(Ids(await NextAsync()));
        }

        return ids;
    }

    public static List<string> Ids(PeerRequest request) =>
        [.. request.Json.GetProperty("events").EnumerateArray().Select(one => one.GetProperty("event_id").GetString()!)];

    public static Task Fail(PeerRequest request, HttpResponse response)
    {
        response.StatusCode = 503;
        return Task.CompletedTask;
    }

    public static Task Accept(PeerRequest request, HttpResponse response) => response.WriteAsync("{}");

    // A failure is noted before the wait for the next attempt begins, and the wait before the clock may move.
    public async Task SettleAsync()
    {
        await Task.Delay(200);
        await Server.WritesSettledAsync();
        await Task.Delay(200);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Bridge.DisposeAsync();
    }

    private static string As(string path, string? user) =>
        user is null ? path : $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}user_id={Uri.EscapeDataString(user)}";
}
