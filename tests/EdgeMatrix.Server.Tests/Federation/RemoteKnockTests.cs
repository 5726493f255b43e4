using System.Net;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Knocks on rooms that the server of the user is not in.</summary>
public sealed class RemoteKnockTests : TwoServers
{
    private const string V3 = "/_matrix/client/v3";

    [Theory]
    [InlineData("7")]
    [InlineData("12")]
    public async Task A_knock_shows_the_room_and_an_invite_answers_it(string version)
    {
        var (carol, bob, room) = await RoomAsync(version);
        var since = (await bob.GetAsync($"{V3}/sync"))["next_batch"].GetString();

        var knocked = await bob.PostAsync($"{V3}/knock/%23door:two", """{"reason":"please"}""");
        Assert.Equal((HttpStatusCode.OK, room), (knocked.Status, knocked["room_id"].GetString()));
        var member = await carol.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@bob:one");
        Assert.Equal(("knock", "please"), (member["membership"].GetString(), member["reason"].GetString()));
        var told = (await bob.GetAsync($"{V3}/sync?since={since}"))["rooms"].GetProperty("knock").GetProperty(room);
        Assert.Contains(
            told.GetProperty("knock_state").GetProperty("events").EnumerateArray(), e => e.GetProperty("type").GetString() == "m.room.create");

        await carol.PostAsync($"{V3}/rooms/{room}/invite", """{"user_id":"@bob:one"}""");
        Assert.True((await bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").TryGetProperty(room, out _));
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}", "{}")).Status);
        await AssertSoundAsync();
    }

    [Fact]
    public async Task A_knock_is_taken_back()
    {
        var (carol, bob, room) = await RoomAsync("11");
        await bob.PostAsync($"{V3}/knock/{room}?via=two", "{}");
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/rooms/{room}/leave", "{}")).Status);
        Assert.Equal("leave", (await carol.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@bob:one"))["membership"].GetString());
        Assert.False((await bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("knock").TryGetProperty(room, out _));
        await AssertSoundAsync();
    }

    [Fact]
    public async Task A_room_that_takes_no_knocks_takes_none()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var (closed, old) = (await carol.CreateRoomAsync("""{"preset":"private_chat"}"""), await carol.CreateRoomAsync("""{"room_version":"6"}"""));
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PostAsync($"{V3}/knock/{closed}?via=two", "{}")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PostAsync($"{V3}/knock/{old}?via=two", "{}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await bob.PostAsync($"{V3}/knock/{closed}", "{}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await bob.PostAsync($"{V3}/knock/!no:two", "{}")).Error);
    }

    private async Task<(TestSession Carol, TestSession Bob, string Room)> RoomAsync(string version)
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync(
            $$$"""
            {"room_version":"{{{version}}}","room_alias_name":"door","initial_state":[{"type":"m.room.join_rules","content":{"join_rule":"knock"}}]}
            """);
        return (carol, bob, room);
    }
}
