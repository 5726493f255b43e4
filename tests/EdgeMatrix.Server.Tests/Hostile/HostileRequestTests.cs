using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Hostile;

/// <summary>
/// Wrong types, missing fields, foreign identifiers, others' resources, sizes, depths, bytes that are no text and tricks with paths, thrown at every
/// endpoint of the specification: each gets an error that is specified, and nothing of anybody else's changes.
/// </summary>
public sealed partial class HostileRequestTests
{
    // What a request of another could change.
    private static readonly string[] Victims =
    [
        "/profile/{me}", "/devices", "/joined_rooms", "/rooms/{room}/state", "/rooms/{room}/messages?dir=b&limit=100", "/rooms/{room}/members",
        "/user/{me}/account_data/org.example", "/pushrules/", "/pushers", "/room_keys/version", "/directory/room/%23private:test", "/user/{me}/rooms/{room}/tags",
    ];

    private static readonly HashSet<string> Codes =
    [
        "M_FORBIDDEN", "M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_LOCKED", "M_USER_SUSPENDED", "M_BAD_JSON", "M_NOT_JSON", "M_NOT_FOUND", "M_LIMIT_EXCEEDED",
        "M_UNRECOGNIZED", "M_UNKNOWN", "M_UNAUTHORIZED", "M_USER_DEACTIVATED", "M_USER_IN_USE", "M_INVALID_USERNAME", "M_ROOM_IN_USE", "M_INVALID_ROOM_STATE",
        "M_THREEPID_IN_USE", "M_THREEPID_NOT_FOUND", "M_THREEPID_AUTH_FAILED", "M_THREEPID_DENIED", "M_SERVER_NOT_TRUSTED", "M_UNSUPPORTED_ROOM_VERSION",
        "M_INCOMPATIBLE_ROOM_VERSION", "M_BAD_STATE", "M_GUEST_ACCESS_FORBIDDEN", "M_MISSING_PARAM", "M_INVALID_PARAM", "M_TOO_LARGE", "M_EXCLUSIVE",
        "M_RESOURCE_LIMIT_EXCEEDED", "M_DUPLICATE_ANNOTATION", "M_NOT_YET_UPLOADED", "M_CANNOT_OVERWRITE_MEDIA", "M_WRONG_ROOM_KEYS_VERSION", "M_INVALID_SIGNATURE",
        "M_WEAK_PASSWORD", "M_UNKNOWN_POS", "M_URL_NOT_SET", "M_UNKNOWN_DEVICE", "M_PROFILE_TOO_LARGE", "M_KEY_TOO_LARGE", "M_INVITE_BLOCKED", "M_BAD_ALIAS",
        "M_APPSERVICE_LOGIN_UNSUPPORTED", "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM", "M_THREEPID_MEDIUM_NOT_SUPPORTED",
    ];

    private const int MaxAttempts = 5;

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(1_500);

    private static int RequestsPerEndpoint => Environment.GetEnvironmentVariable("EDGEMATRIX_HOSTILE_REQUESTS") is { Length: > 0 } text
        ? int.Parse(text, CultureInfo.InvariantCulture)
        : 6;

    [Fact]
    public async Task Every_endpoint_answers_hostile_requests_with_specified_errors_and_nothing_of_others_changes()
    {
        await using var server = await TestHomeserver.StartAsync(transport: Transport.Loopback);
        var (bob, room) = await VictimAsync(server);
        var eve = await server.RegisterAsync("eve");
        var own = await eve.CreateRoomAsync();
        var message = await eve.SendTextAsync(own, "mine", "t");
        string[] identifiers =
        [
            bob.UserId, bob.DeviceId, room, "#private:test", eve.UserId, eve.DeviceId, own, message, "@nobody:test", "@someone:elsewhere.example", "$nothing", "!nowhere:test",
            "m.room.message", "m.room.power_levels", "m.room.create", "1", "global", "override", ".m.rule.master", "m.read", "displayname", "m.annotation", "test",
        ];
        var before = await LookAsync(bob, room);
        List<string> wrong = [];
        foreach (var (number, endpoint) in Endpoints().Index())
        {
            var values = new HostileValues(number, identifiers);
            for (var i = 0; i < RequestsPerEndpoint; i++)
            {
                // What throws a session out takes the one that was made for it.
                var whose = values.Next(8) switch { 0 => null, 1 => "syt_no_such_token", _ => eve.Token };
                if (await FaultAsync(server, endpoint, values, whose) is { } fault)
                {
                    wrong.Add($"endpoint {number}, request {i}: {fault}");
                }
            }

            if ((await eve.GetAsync("/_matrix/client/v3/account/whoami")).Error.Status != 200)
            {
                eve = await server.LogInAsync("eve");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(40)) + $"\n{wrong.Count} in all");
        Assert.Equal(before, await LookAsync(bob, room));
        using var snapshot = server.Part<Database>().OpenSnapshot();
        Assert.Empty(DatabaseCheck.Findings(snapshot));
    }

    private static async Task<(TestSession Bob, string Room)> VictimAsync(TestHomeserver server)
    {
        var bob = await server.RegisterAsync("bob");
        var room = await bob.CreateRoomAsync("""{"preset":"private_chat","room_alias_name":"private","name":"Private"}""");
        await bob.SendTextAsync(room, "secret", "t");
        await bob.PutAsync($"/_matrix/client/v3/user/{bob.UserId}/account_data/org.example", """{"is":"bob's"}""");
        await bob.PutAsync($"/_matrix/client/v3/profile/{bob.UserId}/displayname", """{"displayname":"Bob"}""");
        await bob.PostAsync("/_matrix/client/v3/room_keys/version", """{"algorithm":"m.megolm_backup.v1","auth_data":{"public_key":"x"}}""");
        return (bob, room);
    }

    private static async Task<string> LookAsync(TestSession bob, string room)
    {
        var seen = new StringBuilder();
        foreach (var path in Victims)
        {
            var answer = await bob.GetAsync("/_matrix/client/v3" + path.Replace("{me}", bob.UserId, StringComparison.Ordinal).Replace("{room}", room, StringComparison.Ordinal));
            Assert.True((int)answer.Status is 200 or 404, path);
            seen.AppendLine(path).AppendLine(Moving().Replace(answer.Body, ""));
        }

        return seen.ToString();
    }

    /// <returns>Null if the answer is one that the specification allows.</returns>
    private static async Task<string?> FaultAsync(TestHomeserver server, Endpoint endpoint, HostileValues values, string? token)
    {
        var path = Parameter().Replace(endpoint.Path, _ => values.Segment());
        foreach (var (i, name) in endpoint.Query.Where(_ => values.Next(2) == 0).Index())
        {
            path += $"{(i == 0 ? '?' : '&')}{name}={Uri.EscapeDataString(values.Text() is { Length: < 4_000 } text ? text : "long")}";
        }

        var body = endpoint.Method is "GET" ? null : values.Body(endpoint.Body);
        var uri = new Uri(server.Http.BaseAddress!.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var answer = await SendAsync(server, endpoint.Method, uri, body, token);
        var said = await answer.Content.ReadAsStringAsync();
        // Before it reaches the server: no path of HTTP has such a character.
        return Judge((int)answer.StatusCode, said) is { } fault && !(path.Contains("%00", StringComparison.Ordinal) && said.Length == 0)
            ? $"{endpoint.Method} {path[..Math.Min(path.Length, 300)]}\n    {(body is null ? "" : Encoding.UTF8.GetString(body, 0, Math.Min(body.Length, 300)))}\n    {fault}"
            : null;
    }

    private static async Task<HttpResponseMessage> SendAsync(TestHomeserver server, string method, Uri uri, byte[]? body, string? token)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), uri) { Content = body is null ? null : new ByteArrayContent(body) };
            if (token is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
            }

            try
            {
                var sent = server.Http.SendAsync(request);
                while (!sent.IsCompleted && await Task.WhenAny(sent, Task.Delay(Patience)) != sent)
                {
                    // It waits for news that do not come, by the clock of the server.
                    server.Time.Advance(TimeSpan.FromMinutes(2));
                }

                return await sent;
            }
            catch (HttpRequestException exception) when (body is not null && exception.InnerException is IOException && attempt < MaxAttempts)
            {
                // It refused a body that it did not read, and closed: who still sent at that moment has not got the answer.
            }
        }
    }

    private static string? Judge(int status, string said)
    {
        if (status < 400)
        {
            return null;
        }

        try
        {
            var json = JsonElement.Parse(said);
            // 502 and 504: another server was to be asked, and does not answer.
            return status is < 500 or 501 or 502 or 504 && (json.TryGetProperty("flows", out _) || Codes.Contains(json.GetProperty("errcode").GetString()!))
                ? null
                : $"{status} {said[..Math.Min(said.Length, 300)]}";
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return $"{status}, without an errcode: {said[..Math.Min(said.Length, 300)]}";
        }
    }

    private static List<Endpoint> Endpoints() =>
    [
        .. JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Hostile", "endpoints.json")))!.AsArray().Select(row => new Endpoint(
            (string)row!["method"]!,
            (string)row["path"]!,
            [.. (row["query"]?.AsArray() ?? []).Select(name => (string)name!)],
            row["body"])),
    ];

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();

    [GeneratedRegex("\"(age|last_seen_ts|last_seen_ip|start)\":[^,}]*,?")]
    private static partial Regex Moving();

    private sealed record Endpoint(string Method, string Path, IReadOnlyList<string> Query, JsonNode? Body);
}
