using System.Net;
using System.Text.Json;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class LoginTests
{
    private const string Login = "/_matrix/client/v3/login";
    private const string WhoAmI = "/_matrix/client/v3/account/whoami";

    [Theory]
    [InlineData(""" "identifier":{"type":"m.id.user","user":"alice"} """)]
    [InlineData(""" "identifier":{"type":"m.id.user","user":"@alice:test"} """)]
    [InlineData(""" "identifier":{"type":"m.id.user","user":"Alice"} """)]
    [InlineData(""" "user":"alice" """)]
    public async Task A_user_logs_in_by_id_or_localpart(string user)
    {
        await using var server = await TestHomeserver.StartAsync(
            options => options with { Server = options.Server with { PublicBaseUrl = "https://matrix.example" } });
        await server.RegisterAsync("alice");

        var answer = await server.PostAsync(
            Login, $$"""{"type":"m.login.password",{{user}},"password":"secret","device_id":"LAPTOP","initial_device_display_name":"Laptop"}""");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("@alice:test", answer["user_id"].GetString());
        Assert.Equal("LAPTOP", answer["device_id"].GetString());
        Assert.Equal("""{"m.homeserver":{"base_url":"https://matrix.example"}}""", answer["well_known"].GetRawText());
        var devices = await server.GetAsync("/_matrix/client/v3/devices/LAPTOP", answer["access_token"].GetString());
        Assert.Equal("Laptop", devices["display_name"].GetString());
    }

    [Fact]
    public async Task A_wrong_password_and_an_unknown_user_are_answered_alike()
    {
        await using var server = await TestHomeserver.StartAsync();
        await server.RegisterAsync("alice");

        var wrong = await LogInAsync(server, "alice", "guess");
        var unknown = await LogInAsync(server, "nobody", "guess");
        var elsewhere = await LogInAsync(server, "@alice:elsewhere", "secret");

        Assert.Equal((403, "M_FORBIDDEN"), wrong.Error);
        Assert.Equal((wrong.Status, wrong.Body), (unknown.Status, unknown.Body));
        Assert.Equal((wrong.Status, wrong.Body), (elsewhere.Status, elsewhere.Body));
    }

    [Theory]
    [InlineData("""{"type":"m.login.token","token":"x"}""", 400, "M_UNKNOWN")]
    [InlineData("""{"type":"m.login.password","identifier":{"type":"m.id.phone","country":"GB","phone":"07700900000"},"password":"x"}""", 400, "M_UNKNOWN")]
    [InlineData("""{"type":"m.login.password","password":"x"}""", 400, "M_MISSING_PARAM")]
    [InlineData("""{"type":"m.login.password","user":"alice"}""", 400, "M_MISSING_PARAM")]
    [InlineData("""{"type":"m.login.password","user":"alice","password":"x","device_id":""}""", 400, "M_INVALID_PARAM")]
    public async Task A_login_that_cannot_be_is_refused(string body, int status, string code)
    {
        await using var server = await TestHomeserver.StartAsync();

        Assert.Equal((status, code), (await server.PostAsync(Login, body)).Error);
    }

    [Fact]
    public async Task Logging_in_again_with_a_device_ends_its_earlier_token()
    {
        await using var server = await TestHomeserver.StartAsync();
        var first = await server.RegisterAsync("alice", "PHONE");
        Assert.Equal(HttpStatusCode.OK, (await first.GetAsync(WhoAmI)).Status);

        var second = await server.PostAsync(
            Login, """{"type":"m.login.password","user":"alice","password":"secret","device_id":"PHONE"}""");

        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await first.GetAsync(WhoAmI)).Error);
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync(WhoAmI, second["access_token"].GetString())).Status);
    }

    [Fact]
    public async Task Logout_ends_the_token_and_deletes_the_device()
    {
        await using var server = await TestHomeserver.StartAsync();
        var phone = await server.RegisterAsync("alice", "PHONE");
        var laptop = await LogInAsync(server, "alice", "secret");
        await phone.GetAsync(WhoAmI);

        var answer = await phone.PostAsync("/_matrix/client/v3/logout", "");

        Assert.Equal((HttpStatusCode.OK, "{}"), (answer.Status, answer.Body));
        var refused = await phone.GetAsync(WhoAmI);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), refused.Error);
        Assert.False(refused["soft_logout"].GetBoolean());
        var devices = await server.GetAsync("/_matrix/client/v3/devices", laptop["access_token"].GetString());
        Assert.DoesNotContain("PHONE", devices.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logging_out_everywhere_ends_every_token_of_the_user_alone()
    {
        await using var server = await TestHomeserver.StartAsync();
        var phone = await server.RegisterAsync("alice");
        var laptop = (await LogInAsync(server, "alice", "secret"))["access_token"].GetString()!;
        var bob = await server.RegisterAsync("bob");
        await server.GetAsync(WhoAmI, laptop);

        await phone.PostAsync("/_matrix/client/v3/logout/all", "{}");

        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await phone.GetAsync(WhoAmI)).Error);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await server.GetAsync(WhoAmI, laptop)).Error);
        Assert.Equal(HttpStatusCode.OK, (await bob.GetAsync(WhoAmI)).Status);
    }

    [Fact]
    public async Task An_expired_token_is_a_soft_logout_and_its_refresh_token_brings_another()
    {
        await using var server = await TestHomeserver.StartAsync();
        await server.RegisterAsync("alice");
        var login = await RefreshableAsync(server);
        Assert.Equal(3_600_000, login["expires_in_ms"].GetInt64());
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync(WhoAmI, Access(login))).Status);

        server.Time.Advance(TimeSpan.FromHours(1));
        var expired = await server.GetAsync(WhoAmI, Access(login));
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), expired.Error);
        Assert.True(expired["soft_logout"].GetBoolean());

        var refreshed = await RefreshAsync(server, login);
        Assert.Equal(HttpStatusCode.OK, refreshed.Status);
        Assert.Equal(
            login["device_id"].GetString(), (await server.GetAsync(WhoAmI, Access(refreshed)))["device_id"].GetString());
    }

    [Fact]
    public async Task A_refresh_whose_answer_was_lost_can_be_asked_again_until_the_new_pair_is_used()
    {
        await using var server = await TestHomeserver.StartAsync();
        await server.RegisterAsync("alice");
        var login = await RefreshableAsync(server);

        var lost = await RefreshAsync(server, login);
        var again = await RefreshAsync(server, login);

        Assert.Equal(HttpStatusCode.OK, again.Status);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await server.GetAsync(WhoAmI, Access(lost))).Error);
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync(WhoAmI, Access(login))).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync(WhoAmI, Access(again))).Status);

        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await RefreshAsync(server, login)).Error);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await server.GetAsync(WhoAmI, Access(login))).Error);
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync(WhoAmI, Access(again))).Status);
    }

    [Fact]
    public async Task Using_the_new_refresh_token_ends_the_old_one()
    {
        await using var server = await TestHomeserver.StartAsync();
        await server.RegisterAsync("alice");
        var first = await RefreshableAsync(server);
        var second = await RefreshAsync(server, first);

        var third = await RefreshAsync(server, second);

        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await RefreshAsync(server, first)).Error);
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync(WhoAmI, Access(third))).Status);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await server.GetAsync(WhoAmI, Access(second))).Error);
    }

    [Fact]
    public async Task An_unknown_refresh_token_is_refused()
    {
        await using var server = await TestHomeserver.StartAsync();

        var answer = await server.PostAsync("/_matrix/client/v3/refresh", """{"refresh_token":"nonsense"}""");

        Assert.Equal((401, "M_UNKNOWN_TOKEN"), answer.Error);
        Assert.False(answer["soft_logout"].GetBoolean());
        Assert.Equal((400, "M_BAD_JSON"), (await server.PostAsync("/_matrix/client/v3/refresh", "{}")).Error);
    }

    private static string Access(TestAnswer login) => login["access_token"].GetString()!;

    private static Task<TestAnswer> LogInAsync(TestHomeserver server, string user, string password) =>
        server.PostAsync(Login, JsonSerializer.Serialize(new { type = "m.login.password", user, password }));

    private static Task<TestAnswer> RefreshableAsync(TestHomeserver server) =>
        server.PostAsync(Login, """{"type":"m.login.password","user":"alice","password":"secret","refresh_token":true}""");

    private static Task<TestAnswer> RefreshAsync(TestHomeserver server, TestAnswer login) =>
        server.PostAsync("/_matrix/client/v3/refresh", $$"""{"refresh_token":"{{login["refresh_token"].GetString()}}"}""");
}
