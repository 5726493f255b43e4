using System.Net;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Admin;

public sealed class AccountModerationTests
{
    private const string Lock = "/_matrix/client/v1/admin/lock/";
    private const string Suspend = "/_matrix/client/v1/admin/suspend/";
    private const string WhoAmI = "/_matrix/client/v3/account/whoami";
    private const string Login = """{"type":"m.login.password","user":"alice","password":"secret"}""";

    [Fact]
    public async Task A_locked_account_can_only_log_out_and_finds_its_session_again()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var refreshable = await server.PostAsync("/_matrix/client/v3/login", Login[..^1] + ""","refresh_token":true}""");
        await alice.GetAsync(WhoAmI);

        Assert.Equal("""{"locked":true}""", (await root.PutAsync(Lock + "@alice:test", """{"locked":true}""")).Body);

        var refused = await alice.GetAsync(WhoAmI);
        Assert.Equal((401, "M_USER_LOCKED"), refused.Error);
        Assert.True(refused["soft_logout"].GetBoolean());
        Assert.Equal((401, "M_USER_LOCKED"), (await server.PostAsync("/_matrix/client/v3/login", Login)).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await server.PostAsync("/_matrix/client/v3/login", Login.Replace("secret", "wrong", StringComparison.Ordinal))).Error);
        var refresh = $$"""{"refresh_token":"{{refreshable["refresh_token"].GetString()}}"}""";
        Assert.Equal((401, "M_USER_LOCKED"), (await server.PostAsync("/_matrix/client/v3/refresh", refresh)).Error);
        var withoutToken = """{"new_password":"x","auth":{"type":"m.login.password","user":"alice","password":"secret"}}""";
        Assert.Equal((401, "M_USER_LOCKED"), (await server.PostAsync("/_matrix/client/v3/account/password", withoutToken)).Error);

        Assert.Equal("""{"locked":false}""", (await root.PutAsync(Lock + "@alice:test", """{"locked":false}""")).Body);
        Assert.Equal(HttpStatusCode.OK, (await alice.GetAsync(WhoAmI)).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.PostAsync("/_matrix/client/v3/refresh", refresh)).Status);

        await root.PutAsync(Lock + "@alice:test", """{"locked":true}""");
        Assert.Equal(HttpStatusCode.OK, (await alice.PostAsync("/_matrix/client/v3/logout", "")).Status);
    }

    [Fact]
    public async Task A_suspended_account_reads_leaves_and_redacts_its_own()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var own = await alice.SendTextAsync(room, "mine", "1");
        await root.PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        var other = await root.SendTextAsync(room, "theirs", "1");
        var open = await root.CreateRoomAsync();

        Assert.Equal("""{"suspended":true}""", (await root.PutAsync(Suspend + "@alice:test", """{"suspended":true}""")).Body);
        Assert.Equal("""{"suspended":true}""", (await root.GetAsync(Suspend + "@alice:test")).Body);

        var rooms = $"/_matrix/client/v3/rooms/{room}";
        (int, string?) suspended = (403, "M_USER_SUSPENDED");
        Assert.Equal(suspended, (await alice.PutAsync($"{rooms}/send/m.room.message/2", """{"msgtype":"m.text","body":"x"}""")).Error);
        Assert.Equal(suspended, (await alice.PutAsync($"{rooms}/state/m.room.topic/", """{"topic":"x"}""")).Error);
        Assert.Equal(suspended, (await alice.PutAsync($"{rooms}/redact/{other}/3", "{}")).Error);
        Assert.Equal(suspended, (await alice.PostAsync($"{rooms}/invite", """{"user_id":"@bob:test"}""")).Error);
        Assert.Equal(suspended, (await alice.PostAsync($"/_matrix/client/v3/join/{open}", "{}")).Error);
        Assert.Equal(suspended, (await alice.PostAsync($"/_matrix/client/v3/knock/{open}", "{}")).Error);
        Assert.Equal(suspended, (await alice.PutAsync("/_matrix/client/v3/profile/@alice:test/displayname", """{"displayname":"x"}""")).Error);
        Assert.Equal("""{"enabled":false}""", (await alice.GetAsync("/_matrix/client/v3/capabilities"))["capabilities"].GetProperty("m.profile_fields").GetRawText());

        Assert.Equal(HttpStatusCode.OK, (await alice.PutAsync($"{rooms}/redact/{own}/4", "{}")).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.GetAsync("/_matrix/client/v3/sync")).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.PostAsync("/_matrix/client/v3/login", Login)).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.PostAsync($"{rooms}/leave", "{}")).Status);
    }

    [Theory]
    [InlineData("@nobody:test", 404, "M_NOT_FOUND")]
    [InlineData("@alice:elsewhere", 400, "M_INVALID_PARAM")]
    [InlineData("alice", 400, "M_INVALID_PARAM")]
    [InlineData("@root:test", 403, "M_FORBIDDEN")]
    [InlineData("@other:test", 403, "M_FORBIDDEN")]
    public async Task Who_cannot_be_locked_or_suspended(string user, int status, string code)
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        await server.RegisterAdminAsync("other");
        var alice = await server.RegisterAsync("alice");

        Assert.Equal((status, code), (await root.PutAsync(Lock + user, """{"locked":true}""")).Error);
        Assert.Equal((status, code), (await root.PutAsync(Suspend + user, """{"suspended":true}""")).Error);

        // Whoever is no administrator is not told which users there are.
        Assert.Equal((403, "M_FORBIDDEN"), (await alice.GetAsync(Lock + user)).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await alice.PutAsync(Suspend + user, """{"suspended":true}""")).Error);
    }

    [Fact]
    public async Task A_lock_without_a_value_changes_nothing()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        await server.RegisterAsync("alice");

        Assert.Equal((400, "M_MISSING_PARAM"), (await root.PutAsync(Lock + "@alice:test", "{}")).Error);
        Assert.Equal((400, "M_BAD_JSON"), (await root.PutAsync(Lock + "@alice:test", """{"locked":1}""")).Error);
        Assert.Equal("""{"locked":false}""", (await root.GetAsync(Lock + "@alice:test")).Body);
    }

    [Fact]
    public async Task Administrators_are_told_that_they_may_moderate()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice");

        var capabilities = (await root.GetAsync("/_matrix/client/v3/capabilities"))["capabilities"];
        Assert.Equal("""{"suspend":true,"lock":true}""", capabilities.GetProperty("m.account_moderation").GetRawText());
        Assert.DoesNotContain("m.account_moderation", (await alice.GetAsync("/_matrix/client/v3/capabilities")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_and_administrators_see_where_the_users_devices_were()
    {
        await using var server = await TestHomeserver.StartAsync();
        var root = await server.RegisterAdminAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        var bob = await server.RegisterAsync("bob");
        await alice.GetAsync(WhoAmI);
        await server.WritesSettledAsync();

        foreach (var asker in (TestSession[])[root, alice])
        {
            var seen = await asker.GetAsync("/_matrix/client/v3/admin/whois/@alice:test");
            Assert.Equal("@alice:test", seen["user_id"].GetString());
            var connection = Assert.Single(seen["devices"].GetProperty("PHONE").GetProperty("sessions")[0].GetProperty("connections").EnumerateArray());
            Assert.True(connection.GetProperty("last_seen").GetInt64() > 0);
        }

        Assert.Equal((403, "M_FORBIDDEN"), (await bob.GetAsync("/_matrix/client/v3/admin/whois/@alice:test")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.GetAsync("/_matrix/client/v3/admin/whois/@nobody:test")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await root.GetAsync("/_matrix/client/v3/admin/whois/@nobody:test")).Error);
    }
}
