using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Admin;

/// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#server-notices</summary>
public sealed class ServerNoticeTests
{
    private const string V3 = "/_matrix/client/v3";
    private const string Send = "/_synapse/admin/v1/send_server_notice";
    private const string Notice = """{"user_id":"@alice:test","content":{"msgtype":"m.text","body":"Down at noon"}}""";

    [Fact]
    public async Task A_user_gets_notices_in_one_room_that_is_tagged_and_cannot_be_turned_down()
    {
        await using var server = await StartAsync();
        var (root, alice) = (await server.RegisterAdminAsync(), await server.RegisterAsync("alice"));

        Assert.StartsWith("$", (await root.PostAsync(Send, Notice))["event_id"].GetString(), StringComparison.Ordinal);
        var invites = (await alice.GetAsync(V3 + "/sync"))["rooms"].GetProperty("invite").EnumerateObject().ToList();
        var room = Assert.Single(invites).Name;
        Assert.Contains("m.server_notice", (await alice.GetAsync($"{V3}/user/{alice.UserId}/rooms/{room}/tags")).Body, StringComparison.Ordinal);

        Assert.Equal((403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM"), (await alice.PostAsync($"{V3}/rooms/{room}/leave", "{}")).Error);
        Assert.Equal(
            (403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM"),
            (await alice.PutAsync($"{V3}/rooms/{room}/state/m.room.member/{alice.UserId}", """{"membership":"leave"}""")).Error);
        await alice.PostAsync($"{V3}/rooms/{room}/join", "{}");
        Assert.Equal((403, "M_FORBIDDEN"), (await alice.PutAsync($"{V3}/rooms/{room}/send/m.room.message/1", """{"msgtype":"m.text","body":"no"}""")).Error);

        var first = await root.SendNoticeAsync("1");
        Assert.Equal(first, await root.SendNoticeAsync("1"));
        var said = (await alice.GetAsync($"{V3}/rooms/{room}/messages?dir=b"))["chunk"].EnumerateArray()
            .Count(stored => stored.GetProperty("sender").GetString() == "@notices:test" && stored.GetProperty("type").GetString() == "m.room.message");
        Assert.Equal(2, said);
        var member = await alice.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@notices:test");
        Assert.Equal("The server", member["displayname"].GetString());

        Assert.Equal((200, null), (await alice.PostAsync($"{V3}/rooms/{room}/leave", "{}")).Error);
        await root.PostAsync(Send, Notice);
        Assert.Equal("invite", (await alice.GetAsync($"{V3}/initialSync"))["rooms"][0].GetProperty("membership").GetString());
    }

    [Fact]
    public async Task The_name_of_the_sender_is_nobody_elses()
    {
        await using var server = await StartAsync();

        Assert.Equal((400, "M_EXCLUSIVE"), (await server.PostAsync(V3 + "/register", """{"username":"Notices","password":"x"}""")).Error);
        Assert.Equal((400, "M_EXCLUSIVE"), (await server.GetAsync(V3 + "/register/available?username=notices")).Error);
    }

    [Fact]
    public async Task An_account_that_is_somebodys_sends_none()
    {
        await using var open = await TestHomeserver.StartAsync();
        var (root, _, _) = (await open.RegisterAdminAsync(), await open.RegisterAsync("notices"), await open.RegisterAsync("alice"));
        Assert.Equal((400, "M_UNKNOWN"), (await root.PostAsync(Send, Notice)).Error);
        await using var server = await open.RestartAsync(options => options with { Notices = options.Notices with { Localpart = "notices" } });

        Assert.Equal((400, "M_UNKNOWN"), (await (root with { Server = server }).PostAsync(Send, Notice)).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await (root with { Server = server }).PostAsync(Send, """{"user_id":"@none:test","content":{}}""")).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await (root with { Server = server }).PostAsync(Send, """{"user_id":"@alice:test"}""")).Error);
    }

    private static Task<TestHomeserver> StartAsync() => TestHomeserver.StartAsync(options => options with
    {
        Notices = options.Notices with { Localpart = "notices", Name = "The server" },
    });
}

file static class Notices
{
    public static async Task<string?> SendNoticeAsync(this TestSession root, string txnId) => (await root.PutAsync(
        "/_synapse/admin/v1/send_server_notice/" + txnId, """{"user_id":"@alice:test","content":{"msgtype":"m.text","body":"Again"}}"""))["event_id"].GetString();
}
