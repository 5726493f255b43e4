using System.Net;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class DeactivationTests
{
    private const string Deactivate = "/_matrix/client/v3/account/deactivate";
    private const string WhoAmI = "/_matrix/client/v3/account/whoami";
    private const string Proof = """ "auth":{"type":"m.login.password","identifier":{"type":"m.id.user","user":"alice"},"password":"secret"} """;

    [Fact]
    public async Task A_deactivated_account_is_logged_out_in_no_room_and_its_name_is_not_given_again()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var joined = await bob.CreateRoomAsync();
        await alice.PostAsync($"/_matrix/client/v3/join/{joined}", "{}");
        var invited = await bob.CreateRoomAsync("""{"preset":"private_chat","invite":["@alice:test"]}""");

        Assert.Equal("""[{"stages":["m.login.password"]}]""", (await alice.PostAsync(Deactivate, "{}"))["flows"].GetRawText());
        var answer = await alice.PostAsync(Deactivate, $$"""{{{Proof}}}""");

        Assert.Equal((HttpStatusCode.OK, """{"id_server_unbind_result":"success"}"""), (answer.Status, answer.Body));
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await alice.GetAsync(WhoAmI)).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await server.PostAsync("/_matrix/client/v3/login", """{"type":"m.login.password","user":"alice","password":"secret"}""")).Error);
        Assert.Equal((400, "M_USER_IN_USE"), (await server.GetAsync("/_matrix/client/v3/register/available?username=alice")).Error);
        foreach (var room in (string[])[joined, invited])
        {
            Assert.Equal("leave", (await bob.GetAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.member/@alice:test"))["membership"].GetString());
        }
    }

    [Fact]
    public async Task Without_a_token_the_account_is_the_one_whose_password_is_given()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");

        Assert.Equal(HttpStatusCode.Unauthorized, (await server.PostAsync(Deactivate, $$"""{{{Proof.Replace("secret", "guess", StringComparison.Ordinal)}}}""")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await bob.PostAsync(Deactivate, $$"""{{{Proof}}}""")).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.GetAsync(WhoAmI)).Status);

        Assert.Equal(HttpStatusCode.OK, (await server.PostAsync(Deactivate, $$"""{{{Proof}}}""")).Status);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await alice.GetAsync(WhoAmI)).Error);
    }

    [Fact]
    public async Task Who_joins_after_an_erasure_sees_redacted_copies_and_who_was_there_the_events()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var carol = await server.RegisterAsync("carol");
        var room = await bob.CreateRoomAsync();
        await alice.PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        var said = await alice.SendTextAsync(room, "something private", "1");
        var levels = $"/_matrix/client/v3/rooms/{room}/state/m.room.power_levels";
        Assert.Equal((200, null), (await bob.PutAsync(levels, """{"users":{"@alice:test":50}}""")).Error);
        await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/state/a.state", """{"note":"something private"}""");
        await alice.PutAsync("/_matrix/client/v3/user/@alice:test/account_data/a.note", """{"text":"mine"}""");

        await alice.PostAsync(Deactivate, $$"""{"erase":true,{{Proof}}}""");
        await carol.PostAsync($"/_matrix/client/v3/join/{room}", "{}");

        var path = $"/_matrix/client/v3/rooms/{room}/event/{said}";
        Assert.Equal("something private", (await bob.GetAsync(path))["content"].GetProperty("body").GetString());
        Assert.Equal("{}", (await carol.GetAsync(path))["content"].GetRawText());
        Assert.DoesNotContain("something private", (await carol.GetAsync("/_matrix/client/v3/sync")).Body, StringComparison.Ordinal);
        Assert.DoesNotContain("something private", (await carol.GetAsync("""/_matrix/client/v3/sync?filter={"event_format":"federation"}""")).Body, StringComparison.Ordinal);
        Assert.DoesNotContain("something private", (await carol.GetAsync($"/_matrix/client/v3/rooms/{room}/messages?dir=b")).Body, StringComparison.Ordinal);
        Assert.Equal("""{"note":"something private"}""", (await bob.GetAsync($"/_matrix/client/v3/rooms/{room}/state/a.state")).Body);
        Assert.Equal("{}", (await carol.GetAsync($"/_matrix/client/v3/rooms/{room}/state/a.state")).Body);
        Assert.DoesNotContain("something private", (await carol.GetAsync($"/_matrix/client/v3/rooms/{room}/state")).Body, StringComparison.Ordinal);
        Assert.Equal((404, "M_NOT_FOUND"), (await bob.GetAsync("/_matrix/client/v3/profile/@alice:test/displayname")).Error);
        var again = await server.RestartAsync();
        await using (again)
        {
            Assert.Equal("{}", (await (carol with { Server = again }).GetAsync(path))["content"].GetRawText());
        }
    }

    [Fact]
    public async Task A_body_of_wrong_types_is_refused_before_anything_is_asked()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal((400, "M_BAD_JSON"), (await alice.PostAsync(Deactivate, """{"erase":"yes"}""")).Error);
        Assert.Equal((401, "M_UNKNOWN_TOKEN"), (await server.SendAsync(HttpMethod.Post, Deactivate, "nonsense", "{}")).Error);
    }
}
