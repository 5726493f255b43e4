using System.Net;
using System.Text.Json;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Invites of users of other servers, and what becomes of them.</summary>
public sealed class RemoteInviteTests : TwoServers
{
    private const string V3 = "/_matrix/client/v3";

    [Theory]
    [InlineData("1")]
    [InlineData("3")]
    [InlineData("10")]
    [InlineData("12")]
    public async Task An_invite_shows_the_room_and_lets_the_user_in(string version)
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync($$"""{"preset":"private_chat","name":"Den","room_version":"{{version}}"}""");
        var since = (await bob.GetAsync($"{V3}/sync"))["next_batch"].GetString();

        Assert.Equal(HttpStatusCode.OK, (await InviteAsync(carol, room, "@bob:one")).Status);
        Assert.Equal("invite", (await carol.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@bob:one"))["membership"].GetString());
        foreach (var sync in (TestAnswer[])[await bob.GetAsync($"{V3}/sync?since={since}"), await bob.GetAsync($"{V3}/sync")])
        {
            var told = sync["rooms"].GetProperty("invite").GetProperty(room).GetProperty("invite_state").GetProperty("events").EnumerateArray().ToList();
            Assert.Contains(told, e => Type(e) == "m.room.create");
            Assert.Contains(told, e => Type(e) == "m.room.name" && e.GetProperty("content").GetProperty("name").GetString() == "Den");
            Assert.Contains(told, e => Type(e) == "m.room.member" && e.GetProperty("state_key").GetString() == "@carol:two");
            Assert.Contains(told, e => Type(e) == "m.room.member" && e.GetProperty("state_key").GetString() == "@bob:one");
            Assert.All(told, e => Assert.False(e.TryGetProperty("event_id", out _)));
        }

        Assert.Empty((await bob.GetAsync($"{V3}/joined_rooms"))["joined_rooms"].EnumerateArray());
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PutAsync($"{V3}/rooms/{room}/send/m.room.message/1", "{}")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.GetAsync($"{V3}/rooms/{room}/state")).Error);

        since = (await bob.GetAsync($"{V3}/sync"))["next_batch"].GetString();
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}", "{}")).Status);
        Assert.Equal(await RemoteJoinTests.StateAsync(carol, room), await RemoteJoinTests.StateAsync(bob, room));
        var joined = await bob.GetAsync($"{V3}/sync?since={since}");
        Assert.True(joined["rooms"].GetProperty("join").TryGetProperty(room, out _));
        Assert.False(joined["rooms"].GetProperty("invite").TryGetProperty(room, out _));
        await AssertSoundAsync();
    }

    [Fact]
    public async Task Users_of_one_server_are_invited_to_one_room_and_whoever_comes_second_comes_by_way_of_nobody()
    {
        var (carol, bob, bea) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"), await One.RegisterAsync("bea"));
        var room = await carol.CreateRoomAsync("""{"preset":"private_chat","invite":["@bob:one","@bea:one","@nobody:one"],"is_direct":true}""");

        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}", "{}")).Status);
        var told = (await bea.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").GetProperty(room).GetProperty("invite_state").GetProperty("events");
        Assert.Contains(told.EnumerateArray(), e => Type(e) == "m.room.create");
        Assert.Contains(told.EnumerateArray(), e => Type(e) == "m.room.member" && e.GetProperty("content").TryGetProperty("is_direct", out _));
        Network.Link("one", "two").Cut();
        Assert.Equal(HttpStatusCode.OK, (await bea.PostAsync($"{V3}/join/{room}", "{}")).Status);
        Assert.Equal(["@bea:one", "@bob:one", "@carol:two"], await RemoteJoinTests.MembersAsync(bob, room));
        await AssertSoundAsync();
    }

    [Fact]
    public async Task An_invite_is_rejected_and_the_room_hears_of_it()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync("""{"preset":"private_chat","invite":["@bob:one"]}""");
        var since = (await bob.GetAsync($"{V3}/sync"))["next_batch"].GetString();

        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/rooms/{room}/leave", """{"reason":"no time"}""")).Status);
        var member = await carol.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@bob:one");
        Assert.Equal(("leave", "no time"), (member["membership"].GetString(), member["reason"].GetString()));
        var sync = await bob.GetAsync($"{V3}/sync?since={since}");
        Assert.Equal("leave", Timeline(sync, room)[^1].GetProperty("content").GetProperty("membership").GetString());
        Assert.False((await bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").TryGetProperty(room, out _));

        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/rooms/{room}/leave", "{}")).Status);
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/rooms/{room}/forget", "{}")).Status);
        Assert.Equal(HttpStatusCode.OK, (await InviteAsync(carol, room, "@bob:one")).Status);
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}", "{}")).Status);
        await AssertSoundAsync();
    }

    [Fact]
    public async Task An_invite_is_rejected_though_nobody_answers()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync("""{"preset":"private_chat","invite":["@bob:one"]}""");
        Network.Link("one", "two").Cut();

        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/rooms/{room}/leave", "{}")).Status);
        Assert.False((await bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").TryGetProperty(room, out _));
        Network.Link("one", "two").Mend();
        Assert.Equal("invite", (await carol.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@bob:one"))["membership"].GetString());
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Status);
        await AssertSoundAsync();
    }

    [Fact]
    public async Task Invites_are_kept_over_a_restart()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync("""{"preset":"private_chat","name":"Den","invite":["@bob:one"]}""");
        await RestartOneAsync();
        bob = bob with { Server = One };

        var told = (await bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").GetProperty(room).GetProperty("invite_state").GetProperty("events");
        Assert.Contains(told.EnumerateArray(), e => Type(e) == "m.room.name");
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/rooms/{room}/join", "{}")).Status);
        await AssertSoundAsync();
    }

    [Fact]
    public async Task Who_may_not_be_invited_is_not_and_the_client_is_told_why()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync("""{"preset":"private_chat"}""");

        Assert.Equal((403, "M_FORBIDDEN"), (await InviteAsync(carol, room, "@nobody:one")).Error);
        await bob.PutAsync($"{V3}/user/@bob:one/account_data/m.invite_permission_config", """{"default_action":"block"}""");
        Assert.Equal((403, "M_INVITE_BLOCKED"), (await InviteAsync(carol, room, "@bob:one")).Error);
        Assert.Equal((502, "M_UNKNOWN"), (await InviteAsync(carol, room, "@someone:nowhere")).Error);
        Assert.Equal((403, "M_INVITE_BLOCKED"), (await carol.PutAsync(
            $"{V3}/rooms/{room}/state/m.room.member/@bob:one", """{"membership":"invite"}""")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await carol.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@bob:one")).Error);

        await bob.PutAsync($"{V3}/user/@bob:one/account_data/m.invite_permission_config", "{}");
        Assert.Equal(HttpStatusCode.OK, (await carol.PutAsync(
            $"{V3}/rooms/{room}/state/m.room.member/@bob:one", """{"membership":"invite"}""")).Status);
        Assert.True((await bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").TryGetProperty(room, out _));
    }

    private static string? Type(JsonElement e) => e.GetProperty("type").GetString();

    private static List<JsonElement> Timeline(TestAnswer sync, string room) =>
        [.. sync["rooms"].GetProperty("leave").GetProperty(room).GetProperty("timeline").GetProperty("events").EnumerateArray()];

    private static Task<TestAnswer> InviteAsync(TestSession user, string room, string target) =>
        user.PostAsync($"{V3}/rooms/{room}/invite", $$"""{"user_id":"{{target}}"}""");
}
