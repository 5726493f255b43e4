using System.Net;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Joins where there is a third server: <c>three</c>.</summary>
public sealed class ThreeServerJoinTests : TwoServers
{
    private const string V3 = "/_matrix/client/v3";

    private Task<TestHomeserver> StartThreeAsync(ulong seed) => TestHomeserver.StartAsync(
        options => options with { Federation = options.Federation with { TrustedKeyServers = ["two"] } }, name: "three", seed: seed, network: Network);

    [Fact]
    public async Task A_room_is_joined_by_way_of_whoever_is_in_it_when_others_do_not_answer_or_have_left()
    {
        await using var three = await TestHomeserver.StartAsync(name: "three", seed: 3, network: Network);
        var (carol, bob, dora) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"), await three.RegisterAsync("dora"));
        var room = await carol.CreateRoomAsync("""{"preset":"public_chat","room_alias_name":"hall","room_version":"11"}""");
        Assert.Equal(HttpStatusCode.OK, (await dora.PostAsync($"{V3}/join/%23hall:two", "{}")).Status);

        // The directory names three, too, now that it is in the room.
        var servers = (await bob.GetAsync($"{V3}/directory/room/%23hall:two"))["servers"].EnumerateArray().Select(name => name.GetString());
        Assert.Equal(["two", "three"], servers);

        // What two signed can be checked as long as its key is known.
        Assert.NotNull(await One.Part<KeyRing>().FindForRequestAsync("two", Two.Part<LocalServer>().Key.KeyId, default));
        Network.Link("one", "two").Cut();
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}?via=two&via=three", "{}")).Status);
        Assert.Equal(["@bob:one", "@carol:two", "@dora:three"], await RemoteJoinTests.MembersAsync(bob, room));
        Assert.Equal(await RemoteJoinTests.StateAsync(dora, room), await RemoteJoinTests.StateAsync(bob, room));

        // Two hears of it by three, and leaves: it is no resident any more.
        await RemoteJoinTests.TellAsync(three, Two, room);
        Assert.Equal(["@bob:one", "@carol:two", "@dora:three"], await RemoteJoinTests.MembersAsync(carol, room));
        await carol.PostAsync($"{V3}/rooms/{room}/leave", "{}");
        Network.Link("one", "two").Mend();
        var target = $"/_matrix/federation/v1/make_join/{room}/@bea:one?ver=11";
        Assert.Equal((404, "M_NOT_FOUND"), await SendByHandAsync(target, Authorize(target)));
        var erin = await Two.RegisterAsync("erin");
        Assert.Equal(HttpStatusCode.OK, (await erin.PostAsync($"{V3}/join/{room}?via=one", "{}")).Status);
        await AssertSoundAsync();
    }

    [Fact]
    public async Task A_server_that_lost_its_data_comes_back_to_its_rooms_under_its_name()
    {
        var carol = await Two.RegisterAsync("carol");
        var room = await carol.CreateRoomAsync();
        await using (var lost = await StartThreeAsync(seed: 3))
        {
            var before = await lost.RegisterAsync("dora");
            await before.PostAsync($"{V3}/join/{room}?via=two", "{}");
            await before.SendTextAsync(room, "before", "1");
            await RemoteJoinTests.TellAsync(lost, Two, room);
        }

        // Whoever answered a moment ago is not asked for other keys.
        Two.Time.Advance(TimeSpan.FromMinutes(2));

        // What it signed with the key that is gone, only others know to be its own.
        await using var three = await StartThreeAsync(seed: 33);
        var dora = await three.RegisterAsync("dora");
        Assert.Equal((200, null), (await dora.PostAsync($"{V3}/join/{room}?via=two", "{}")).Error);
        Assert.Equal(["@carol:two", "@dora:three"], await RemoteJoinTests.MembersAsync(dora, room));
        var page = await dora.GetAsync($"{V3}/rooms/{room}/messages?dir=b&limit=20");
        Assert.Contains("before", page["chunk"].EnumerateArray().Select(e => e.GetProperty("content")).Where(content => content.TryGetProperty("body", out _))
            .Select(content => content.GetProperty("body").GetString()));

        await dora.SendTextAsync(room, "back", "1");
        await RemoteJoinTests.TellAsync(three, Two, room);
        Assert.Equal(await RemoteJoinTests.StateAsync(carol, room), await RemoteJoinTests.StateAsync(dora, room));
        await AssertSoundAsync();
    }

    [Fact]
    public async Task An_invite_leads_to_the_room_though_its_server_has_left_it()
    {
        await using var three = await TestHomeserver.StartAsync(name: "three", seed: 3, network: Network);
        var (carol, bob, dora) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"), await three.RegisterAsync("dora"));
        var room = await carol.CreateRoomAsync();
        await dora.PostAsync($"{V3}/join/{room}?via=two", "{}");
        await carol.PostAsync($"{V3}/rooms/{room}/invite", """{"user_id":"@bob:one"}""");
        await RemoteJoinTests.TellAsync(Two, three, room);
        await carol.PostAsync($"{V3}/rooms/{room}/leave", "{}");

        // Else one might come in before three knows of that, and two would not know whom else to tell.
        await RemoteJoinTests.TellAsync(Two, three, room);

        Assert.Equal((404, "M_NOT_FOUND"), (await bob.PostAsync($"{V3}/join/{room}", "{}")).Error);
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}?via=three", "{}")).Status);

        // The members come later.
        for (var wait = 0; wait < 500 && !(await RemoteJoinTests.StateAsync(dora, room)).SequenceEqual(await RemoteJoinTests.StateAsync(bob, room)); wait++)
        {
            await Task.Delay(20);
        }

        Assert.Equal(await RemoteJoinTests.StateAsync(dora, room), await RemoteJoinTests.StateAsync(bob, room));
        await AssertSoundAsync();
    }
}
