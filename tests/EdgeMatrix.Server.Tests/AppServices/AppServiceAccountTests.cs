using EdgeMatrix.Configuration;
using EdgeMatrix.Testing;
using Xunit;
using static EdgeMatrix.Server.Tests.AppServices.BridgedServer;

namespace EdgeMatrix.Server.Tests.AppServices;

/// <summary>Users and aliases of namespaces: who may make them.</summary>
public sealed class AppServiceAccountTests : IAsyncLifetime
{
    private BridgedServer _it = null!;

    public async ValueTask InitializeAsync() => _it = await StartAsync(
        options: options => options with { Registration = new RegistrationOptions { Open = true } });

    public ValueTask DisposeAsync() => _it.DisposeAsync();

    [Fact]
    public async Task It_registers_users_of_its_namespaces_without_a_password()
    {
        var answer = await _it.PostAsync(
            $"{V3}/register", """{"type":"m.login.application_service","username":"_irc_bob","inhibit_login":true}""");
        Assert.Equal("""{"user_id":"@_irc_bob:test","home_server":"test"}""", answer.Body);

        var with = await _it.PostAsync($"{V3}/register", """{"type":"m.login.application_service","user":"_irc_ann","device_id":"D"}""");
        Assert.Equal("D", with["device_id"].GetString());
        Assert.Equal((200, null), (await _it.Server.GetAsync($"{V3}/account/whoami", with["access_token"].GetString())).Error);
    }

    [Theory]
    [InlineData("""{"type":"m.login.application_service","username":"_irc_bob"}""", 400, "M_USER_IN_USE")]
    [InlineData("""{"type":"m.login.application_service","username":"alice"}""", 400, "M_EXCLUSIVE")]
    [InlineData("""{"type":"m.login.application_service","username":"_irc_B!"}""", 400, "M_INVALID_USERNAME")]
    [InlineData("""{"type":"m.login.application_service"}""", 400, "M_MISSING_PARAM")]
    public async Task What_it_may_not_register_it_is_told(string body, int status, string code)
    {
        await _it.MakeUserAsync("_irc_bob");
        Assert.Equal((status, code), (await _it.PostAsync($"{V3}/register", body)).Error);
    }

    [Fact]
    public async Task Who_is_no_application_service_registers_nobody_as_one()
    {
        const string Body = """{"type":"m.login.application_service","username":"_irc_bob"}""";
        Assert.Equal((401, "M_MISSING_TOKEN"), (await _it.Server.PostAsync($"{V3}/register", Body)).Error);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await _it.Server.PostAsync($"{V3}/register", Body, "nope")).Error);
        var alice = await _it.Server.RegisterAsync("alice");
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await alice.PostAsync($"{V3}/register", Body)).Error);
    }

    [Fact]
    public async Task Nobody_else_registers_what_is_exclusively_its()
    {
        foreach (var name in (string[])["_irc_eve", "ircbot2", "_IRC_EVE"])
        {
            var free = name == "ircbot2";
            var answer = await _it.Server.PostAsync($"{V3}/register", $$$"""{"username":"{{{name}}}","password":"p","auth":{"type":"m.login.dummy"}}""");
            Assert.Equal(free ? (200, null) : (400, "M_EXCLUSIVE"), answer.Error);
        }

        Assert.Equal((400, "M_EXCLUSIVE"), (await _it.Server.GetAsync($"{V3}/register/available?username=_irc_eve")).Error);
        Assert.Equal((400, "M_USER_IN_USE"), (await _it.Server.GetAsync($"{V3}/register/available?username=ircbot")).Error);
    }

    [Fact]
    public async Task It_logs_its_users_in()
    {
        await _it.MakeUserAsync("_irc_bob");
        await _it.Server.RegisterAsync("alice");
        Assert.Contains(
            """{"type":"m.login.application_service"}""", (await _it.Server.GetAsync($"{V3}/login")).Body, StringComparison.Ordinal);

        static string Body(string user) =>
            $$"""{"type":"m.login.application_service","identifier":{"type":"m.id.user","user":"{{user}}"},"device_id":"D"}""";
        var login = await _it.PostAsync($"{V3}/login", Body("_irc_bob"));
        Assert.Equal(("@_irc_bob:test", "D"), (login["user_id"].GetString(), login["device_id"].GetString()));
        var token = login["access_token"].GetString();
        Assert.Equal("@_irc_bob:test", (await _it.Server.GetAsync($"{V3}/account/whoami", token))["user_id"].GetString());

        Assert.Equal((400, "M_EXCLUSIVE"), (await _it.PostAsync($"{V3}/login", Body("@alice:test"))).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await _it.PostAsync($"{V3}/login", Body("@_irc_eve:test"))).Error);
        Assert.Equal((401, "M_MISSING_TOKEN"), (await _it.Server.PostAsync($"{V3}/login", Body("_irc_bob"))).Error);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await _it.Server.PostAsync($"{V3}/login", Body("_irc_bob"), token)).Error);
    }

    [Fact]
    public async Task Aliases_of_its_namespace_are_its_to_make_and_delete_and_nobody_elses()
    {
        var alice = await _it.Server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        Task<TestAnswer> Make(string alias, bool byBridge)
        {
            var (path, body) = ($"{V3}/directory/room/{Uri.EscapeDataString(alias)}", $$"""{"room_id":"{{room}}"}""");
            return byBridge ? _it.PutAsync(path, body) : alice.PutAsync(path, body);
        }

        Assert.Equal((400, "M_EXCLUSIVE"), (await Make("#_irc_chat:test", byBridge: false)).Error);
        Assert.Equal((400, "M_EXCLUSIVE"), (await Make("#chat:test", byBridge: true)).Error);
        Assert.Equal("{}", (await Make("#chat:test", byBridge: false)).Body);
        Assert.Equal("{}", (await Make("#_irc_chat:test", byBridge: true)).Body);
        Assert.Equal((400, "M_EXCLUSIVE"), (await alice.DeleteAsync($"{V3}/directory/room/%23_irc_chat:test")).Error);
        Assert.Equal((400, "M_EXCLUSIVE"), (await _it.DeleteAsync($"{V3}/directory/room/%23chat:test")).Error);
        Assert.Equal("{}", (await _it.DeleteAsync($"{V3}/directory/room/%23_irc_chat:test")).Body);

        Assert.Equal((400, "M_EXCLUSIVE"), (await alice.PostAsync($"{V3}/createRoom", """{"room_alias_name":"_irc_x"}""")).Error);
        Assert.Equal((400, "M_EXCLUSIVE"), (await _it.PostAsync($"{V3}/createRoom", """{"room_alias_name":"x"}""")).Error);
        Assert.Equal((200, null), (await _it.PostAsync($"{V3}/createRoom", """{"room_alias_name":"_irc_x"}""")).Error);
    }
}
