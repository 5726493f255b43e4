using System.Net;
using EdgeMatrix.Accounts;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class PipelineTests
{
    [Fact]
    public async Task Every_answer_lets_web_clients_in_errors_too()
    {
        await using var server = await TestHomeserver.StartAsync();

        foreach (var path in new[] { "/_matrix/client/versions", "/_matrix/client/v3/sync", "/_matrix/client/v9/nothing", "/.well-known/matrix/client", "/_MATRIX/client/versions" })
        {
            var answer = await server.GetAsync(path);

            Assert.Equal("*", answer.Headers["Access-Control-Allow-Origin"]);
            Assert.Equal("GET, POST, PUT, DELETE, OPTIONS", answer.Headers["Access-Control-Allow-Methods"]);
            Assert.Equal("X-Requested-With, Content-Type, Authorization", answer.Headers["Access-Control-Allow-Headers"]);
        }
    }

    [Fact]
    public async Task A_preflight_needs_no_token_and_does_nothing()
    {
        await using var server = await TestHomeserver.StartAsync();

        var answer = await server.SendAsync(HttpMethod.Options, "/_matrix/client/v3/createRoom", null, null);

        Assert.Equal((HttpStatusCode.NoContent, ""), (answer.Status, answer.Body));
        Assert.Equal("*", answer.Headers["Access-Control-Allow-Origin"]);
    }

    [Fact]
    public async Task An_unknown_path_and_an_unknown_method_are_unrecognized()
    {
        await using var server = await TestHomeserver.StartAsync();

        Assert.Equal((404, "M_UNRECOGNIZED"), (await server.GetAsync("/_matrix/client/v3/nothing")).Error);
        Assert.Equal((404, "M_UNRECOGNIZED"), (await server.GetAsync("/_matrix/federation/v1/nothing")).Error);
        var wrongMethod = await server.SendAsync(HttpMethod.Delete, "/_matrix/client/v3/login", null, null);
        Assert.Equal((405, "M_UNRECOGNIZED"), wrongMethod.Error);
        Assert.Equal("GET, POST", wrongMethod.Headers["Allow"]);
    }

    [Fact]
    public async Task A_fault_is_answered_without_detail()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var user = server.Part<UserAccounts>().Find("alice")!.User;
        var damaged = await server.Part<Database>().WriteAsync(db => FilterTable.Insert(db, user, "secret detail", most: 9));

        var answer = await alice.GetAsync($"/_matrix/client/v3/sync?filter={damaged}");

        Assert.Equal((HttpStatusCode.InternalServerError, """{"errcode":"M_UNKNOWN","error":"Internal server error"}"""), (answer.Status, answer.Body));
        Assert.Equal("*", answer.Headers["Access-Control-Allow-Origin"]);
    }

    [Theory]
    [InlineData("a%2Fb", "a/b", "")]
    [InlineData("a%252Fb", "a%2Fb", "")]
    [InlineData("%23room%3Aserver/x", "#room:server", "x")]
    [InlineData("%2E%2E/x", "..", "x")]
    [InlineData("x/..", "x", "..")]
    [InlineData("caf%C3%A9", "café", "")]
    [InlineData("a+b", "a+b", "")]
    [InlineData("x/", "x", "")]
    public async Task A_path_parameter_is_decoded_once_and_exactly(string sent, string type, string stateKey)
    {
        await using var server = await TestHomeserver.StartAsync(transport: Transport.Loopback);
        var alice = await server.RegisterAsync("alice");
        var room = "/_matrix/client/v3/rooms/" + await alice.CreateRoomAsync();

        var eventId = (await alice.PutAsync($"{room}/state/{sent}", "{}"))["event_id"].GetString();

        var stored = await alice.GetAsync($"{room}/event/{eventId}");
        Assert.Equal((type, stateKey), (stored["type"].GetString(), stored["state_key"].GetString()));
    }

    [Theory]
    [InlineData("%FF")]
    [InlineData("%ZZ")]
    [InlineData("a%2")]
    public async Task A_path_parameter_that_is_no_encoded_text_is_refused(string sent)
    {
        await using var server = await TestHomeserver.StartAsync(transport: Transport.Loopback);

        Assert.Equal((400, "M_INVALID_PARAM"), (await server.GetAsync("/_matrix/client/v3/profile/" + sent)).Error);
    }

    [Fact]
    public async Task The_old_prefix_r0_is_v3()
    {
        await using var server = await TestHomeserver.StartAsync();

        var answer = await server.GetAsync("/_matrix/client/r0/login");

        Assert.Equal("""{"flows":[{"type":"m.login.password"}]}""", answer.Body);
    }

    [Fact]
    public async Task A_token_is_taken_from_the_header_or_the_query()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");

        var expected = """{"user_id":"@alice:test","device_id":"PHONE","is_guest":false}""";
        Assert.Equal(expected, (await alice.GetAsync("/_matrix/client/v3/account/whoami")).Body);
        Assert.Equal(expected, (await server.GetAsync($"/_matrix/client/v3/account/whoami?access_token={alice.Token}")).Body);
    }

    [Fact]
    public async Task A_missing_and_an_unknown_token_are_told_apart()
    {
        await using var server = await TestHomeserver.StartAsync();

        Assert.Equal((401, "M_MISSING_TOKEN"), (await server.GetAsync("/_matrix/client/v3/account/whoami")).Error);
        var unknown = await server.GetAsync("/_matrix/client/v3/account/whoami", "nonsense");
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), unknown.Error);
        Assert.False(unknown["soft_logout"].GetBoolean());
    }

    [Theory]
    [InlineData("{", "M_NOT_JSON")]
    [InlineData("", "M_NOT_JSON")]
    [InlineData("[]", "M_BAD_JSON")]
    [InlineData("{}", "M_BAD_JSON")]
    [InlineData("""{"type":3}""", "M_BAD_JSON")]
    [InlineData("""{"type":"m.login.password","user":"\ud800","password":"x"}""", "M_BAD_JSON")]
    public async Task A_body_of_the_wrong_kind_is_named(string body, string code)
    {
        await using var server = await TestHomeserver.StartAsync();

        Assert.Equal((400, code), (await server.PostAsync("/_matrix/client/v3/login", body)).Error);
    }

    [Fact]
    public async Task A_body_beyond_the_limit_is_too_large()
    {
        await using var server = await TestHomeserver.StartAsync(transport: Transport.Loopback);

        Assert.Equal((413, "M_TOO_LARGE"), (await server.PostAsync("/_matrix/client/v3/login", new string(' ', 1 << 21))).Error);
    }
}
