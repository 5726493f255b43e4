using System.Net;
using EdgeMatrix.Configuration;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class RegistrationTests
{
    private const string Register = "/_matrix/client/v3/register";

    [Fact]
    public async Task Registration_asks_for_a_dummy_stage_first()
    {
        await using var server = await TestHomeserver.StartAsync();

        var challenge = await server.PostAsync(Register, "{}");

        Assert.Equal(HttpStatusCode.Unauthorized, challenge.Status);
        Assert.Equal("""[{"stages":["m.login.dummy"]}]""", challenge["flows"].GetRawText());
        Assert.Equal("[]", challenge["completed"].GetRawText());
        Assert.Equal("{}", challenge["params"].GetRawText());

        var body = $$$"""
            {"username":"alice","password":"secret","device_id":"PHONE",
             "auth":{"type":"m.login.dummy","session":"{{{challenge["session"].GetString()}}}"}}
            """;
        var answer = await server.PostAsync(Register, body);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("@alice:test", answer["user_id"].GetString());
        Assert.Equal("test", answer["home_server"].GetString());
        Assert.Equal("PHONE", answer["device_id"].GetString());
        Assert.NotEmpty(answer["access_token"].GetString()!);
        Assert.False(answer.Json.TryGetProperty("refresh_token", out _));
    }

    [Fact]
    public async Task Registration_in_one_request_needs_no_session()
    {
        await using var server = await TestHomeserver.StartAsync();

        var alice = await server.RegisterAsync("alice");

        Assert.Equal("@alice:test", alice.UserId);
    }

    [Fact]
    public async Task Registration_without_login_gives_no_token()
    {
        await using var server = await TestHomeserver.StartAsync();

        var answer = await server.PostAsync(
            Register, """{"username":"alice","password":"secret","inhibit_login":true,"auth":{"type":"m.login.dummy"}}""");

        Assert.Equal("""{"user_id":"@alice:test","home_server":"test"}""", answer.Body);
    }

    [Fact]
    public async Task A_user_who_names_none_is_given_a_name()
    {
        await using var server = await TestHomeserver.StartAsync();

        var answer = await server.PostAsync(Register, """{"password":"secret","auth":{"type":"m.login.dummy"}}""");

        Assert.Matches("^@[a-z0-9]+:test$", answer["user_id"].GetString()!);
    }

    [Fact]
    public async Task A_name_in_capitals_becomes_one_in_small_letters()
    {
        await using var server = await TestHomeserver.StartAsync();

        Assert.Equal("@alice:test", (await server.RegisterAsync("Alice")).UserId);
    }

    [Theory]
    [InlineData("al ice")]
    [InlineData("al:ice")]
    [InlineData("älice")]
    [InlineData("")]
    public async Task A_name_outside_the_grammar_is_refused_before_authentication(string name)
    {
        await using var server = await TestHomeserver.StartAsync();

        Assert.Equal((400, "M_INVALID_USERNAME"), (await server.PostAsync(Register, $$"""{"username":"{{name}}"}""")).Error);
    }

    [Fact]
    public async Task A_name_is_taken_once()
    {
        await using var server = await TestHomeserver.StartAsync();
        await server.RegisterAsync("alice");

        Assert.Equal((400, "M_USER_IN_USE"), (await server.PostAsync(Register, """{"username":"alice","password":"x"}""")).Error);
        Assert.Equal((400, "M_USER_IN_USE"), (await server.GetAsync(Register + "/available?username=alice")).Error);
        Assert.Equal("""{"available":true}""", (await server.GetAsync(Register + "/available?username=bob")).Body);
        Assert.Equal((400, "M_MISSING_PARAM"), (await server.GetAsync(Register + "/available")).Error);
    }

    [Fact]
    public async Task A_closed_server_registers_nobody()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with { Registration = new RegistrationOptions() });

        Assert.Equal((403, "M_FORBIDDEN"), (await server.PostAsync(Register, """{"username":"alice","password":"x"}""")).Error);
    }

    [Fact]
    public async Task A_password_is_needed()
    {
        await using var server = await TestHomeserver.StartAsync();

        Assert.Equal((400, "M_MISSING_PARAM"), (await server.PostAsync(Register, """{"username":"alice","auth":{"type":"m.login.dummy"}}""")).Error);
    }

    [Fact]
    public async Task A_session_is_good_once_and_for_its_request_only()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var session = (await server.PostAsync(Register, "{}"))["session"].GetString();

        var password = """ "identifier":{"type":"m.id.user","user":"alice"},"password":"secret" """;
        var elsewhere = await alice.DeleteAsync(
            "/_matrix/client/v3/devices/X", $$$"""{"auth":{"type":"m.login.password","session":"{{{session}}}",{{{password}}}}}""");
        Assert.Equal((403, "M_FORBIDDEN"), elsewhere.Error);

        string Body(string name) =>
            $$$"""{"username":"{{{name}}}","password":"x","auth":{"type":"m.login.dummy","session":"{{{session}}}"}}""";
        Assert.Equal(HttpStatusCode.OK, (await server.PostAsync(Register, Body("bob"))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.PostAsync(Register, Body("carol"))).Status);
    }

    [Fact]
    public async Task What_the_first_request_said_need_not_be_said_again()
    {
        await using var server = await TestHomeserver.StartAsync();
        var challenge = await server.PostAsync(
            Register, """{"username":"alice","password":"secret","device_id":"PHONE","initial_device_display_name":"Phone"}""");
        var auth = $$$"""{"type":"m.login.dummy","session":"{{{challenge["session"].GetString()}}}"}""";

        var answer = await server.PostAsync(Register, $$$"""{"initial_device_display_name":"My phone","auth":{{{auth}}}}""");

        Assert.Equal(("@alice:test", "PHONE"), (answer["user_id"].GetString(), answer["device_id"].GetString()));
        var alice = await server.LogInAsync("alice");
        Assert.Equal("My phone", (await alice.GetAsync("/_matrix/client/v3/devices/PHONE"))["display_name"].GetString());
    }

    [Fact]
    public async Task Who_did_not_hear_that_the_account_was_made_asks_again()
    {
        await using var server = await TestHomeserver.StartAsync();
        var challenge = await server.PostAsync(Register, """{"password":"secret"}""");
        var auth = $$$"""{"type":"m.login.dummy","session":"{{{challenge["session"].GetString()}}}"}""";
        var first = await server.PostAsync(Register, $$$"""{"password":"secret","auth":{{{auth}}}}""");

        var again = await server.PostAsync(Register, $$$"""{"password":"secret","auth":{{{auth}}}}""");
        var other = await server.PostAsync(Register, $$$"""{"password":"other","auth":{{{auth}}}}""");

        Assert.Equal(HttpStatusCode.OK, again.Status);
        Assert.Equal(first["user_id"].GetString(), again["user_id"].GetString());
        Assert.Equal(HttpStatusCode.Unauthorized, other.Status);
        Assert.NotEqual(challenge["session"].GetString(), other["session"].GetString());
    }

    [Fact]
    public async Task A_session_ends_with_time()
    {
        await using var server = await TestHomeserver.StartAsync();
        var session = (await server.PostAsync(Register, "{}"))["session"].GetString();

        server.Time.Advance(TimeSpan.FromMinutes(61));
        var answer = await server.PostAsync(
            Register, $$$"""{"username":"a","password":"x","auth":{"type":"m.login.dummy","session":"{{{session}}}"}}""");

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.NotEqual(session, answer["session"].GetString());
    }
}
