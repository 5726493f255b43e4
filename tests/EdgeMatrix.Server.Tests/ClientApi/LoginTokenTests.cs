using System.Net;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class LoginTokenTests
{
    private const string GetToken = "/_matrix/client/v1/login/get_token";
    private const string Login = "/_matrix/client/v3/login";
    private const string Proof = """{"auth":{"type":"m.login.password","identifier":{"type":"m.id.user","user":"alice"},"password":"secret"}}""";

    [Fact]
    public async Task A_token_lets_one_more_device_in_once()
    {
        await using var server = await StartAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.PostAsync(GetToken, "{}")).Status);
        var made = await alice.PostAsync(GetToken, Proof);
        Assert.Equal(120_000, made["expires_in_ms"].GetInt64());

        var body = $$"""{"type":"m.login.token","token":"{{made["login_token"].GetString()}}"}""";
        var login = await server.PostAsync(Login, body);
        Assert.Equal("@alice:test", login["user_id"].GetString());
        Assert.NotEqual(alice.DeviceId, login["device_id"].GetString());
        Assert.Equal((403, "M_FORBIDDEN"), (await server.PostAsync(Login, body)).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await server.PostAsync(Login, """{"type":"m.login.token","token":"nonsense"}""")).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await server.PostAsync(Login, """{"type":"m.login.token"}""")).Error);
    }

    [Fact]
    public async Task A_token_is_good_for_two_minutes()
    {
        await using var server = await StartAsync();
        var alice = await server.RegisterAsync("alice");
        var made = await alice.PostAsync(GetToken, Proof);

        server.Time.Advance(TimeSpan.FromSeconds(121));

        var body = $$"""{"type":"m.login.token","token":"{{made["login_token"].GetString()}}"}""";
        Assert.Equal((403, "M_FORBIDDEN"), (await server.PostAsync(Login, body)).Error);
    }

    [Fact]
    public async Task A_changed_password_and_a_deactivation_void_the_tokens_made_before()
    {
        await using var server = await StartAsync();
        var alice = await server.RegisterAsync("alice");
        var made = await alice.PostAsync(GetToken, Proof);

        var change = await alice.PostAsync("/_matrix/client/v3/account/password", """{"new_password":"other",""" + Proof[1..]);
        Assert.Equal(HttpStatusCode.OK, change.Status);

        var body = $$"""{"type":"m.login.token","token":"{{made["login_token"].GetString()}}"}""";
        Assert.Equal((403, "M_FORBIDDEN"), (await server.PostAsync(Login, body)).Error);
    }

    [Fact]
    public async Task Clients_are_told_whether_there_are_login_tokens()
    {
        await using var with = await StartAsync();
        Assert.Contains("""{"type":"m.login.token","get_login_token":true}""", (await with.GetAsync(Login)).Body, StringComparison.Ordinal);
        var alice = await with.RegisterAsync("alice");
        Assert.Contains("""
            "m.get_login_token":{"enabled":true}
            """.Trim(), (await alice.GetAsync("/_matrix/client/v3/capabilities")).Body, StringComparison.Ordinal);

        await using var without = await TestHomeserver.StartAsync();
        Assert.Equal("""{"flows":[{"type":"m.login.password"}]}""", (await without.GetAsync(Login)).Body);
        var bob = await without.RegisterAsync("bob");
        Assert.Equal((404, "M_UNRECOGNIZED"), (await bob.PostAsync(GetToken, "{}")).Error);
    }

    private static Task<TestHomeserver> StartAsync() =>
        TestHomeserver.StartAsync(options => options with { Login = options.Login with { Tokens = true } });
}
