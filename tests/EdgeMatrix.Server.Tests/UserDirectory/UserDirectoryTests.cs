using System.Text.Json;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.UserDirectory;

public sealed class UserDirectoryTests
{
    private const string Private = """{"preset":"private_chat"}""";

    [Fact]
    public async Task Users_are_found_by_id_and_by_the_beginnings_of_names_once_they_are_in_a_public_room()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        await bob.PutAsync($"/_matrix/client/v3/profile/{bob.UserId}/displayname", """{"displayname":"Robert the Builder"}""");
        await bob.PutAsync($"/_matrix/client/v3/profile/{bob.UserId}/avatar_url", """{"avatar_url":"mxc://test/abc"}""");

        Assert.Empty(await FindAsync(alice, "bob"));
        var room = await bob.CreateRoomAsync("""{"preset":"public_chat"}""");
        Assert.Equal([bob.UserId], await FindAsync(alice, "bob"));
        Assert.Equal([bob.UserId], await FindAsync(alice, "build rob"));
        Assert.Equal([bob.UserId], await FindAsync(alice, "@BOB:te"));
        Assert.Empty(await FindAsync(alice, "robin"));
        Assert.Empty(await FindAsync(alice, ""));
        Assert.Equal([bob.UserId], await FindAsync(bob, "bob"));

        var answer = (await alice.PostAsync("/_matrix/client/v3/user_directory/search", """{"search_term":"bob"}"""))["results"][0];
        Assert.Equal("Robert the Builder", answer.GetProperty("display_name").GetString());
        Assert.Equal("mxc://test/abc", answer.GetProperty("avatar_url").GetString());
        await bob.PostAsync($"/_matrix/client/v3/rooms/{room}/leave", "{}");
        Assert.Empty(await FindAsync(alice, "bob"));
    }

    [Fact]
    public async Task A_private_room_tells_its_members_of_each_other_and_nobody_else()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var carol = await server.RegisterAsync("carol");
        var room = await alice.CreateRoomAsync(Private);
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/invite", $$"""{"user_id":"{{bob.UserId}}"}""");

        Assert.Empty(await FindAsync(bob, "alice"));
        await bob.PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        Assert.Equal([alice.UserId], await FindAsync(bob, "alice"));
        Assert.Empty(await FindAsync(carol, "alice"));
        Assert.Empty(await FindAsync(alice, "alice"));

        var ignore = "{\"ignored_users\":{\"" + alice.UserId + "\":{}}}";
        await bob.PutAsync($"/_matrix/client/v3/user/{bob.UserId}/account_data/m.ignored_user_list", ignore);
        Assert.Empty(await FindAsync(bob, "alice"));
    }

    [Fact]
    public async Task No_more_are_told_than_were_asked_for_and_the_one_who_fits_exactly_is_first()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync("""{"preset":"public_chat"}""");
        foreach (var name in (string[])["annabel", "annika", "anna"])
        {
            await (await server.RegisterAsync(name)).PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        }

        var answer = await alice.PostAsync("/_matrix/client/v3/user_directory/search", """{"search_term":"ann","limit":2}""");
        Assert.True(answer["limited"].GetBoolean());
        Assert.Equal(2, answer["results"].GetArrayLength());
        Assert.Equal(["@anna:test", "@annabel:test"], await FindAsync(alice, "anna"));
        Assert.Equal(400, (int)(await alice.PostAsync("/_matrix/client/v3/user_directory/search", "{}")).Status);
    }

    [Fact]
    public async Task Mutual_rooms_are_those_that_both_are_joined_to()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var (shared, own) = (await alice.CreateRoomAsync(), await alice.CreateRoomAsync());
        await bob.PostAsync($"/_matrix/client/v3/join/{shared}", "{}");
        await alice.PostAsync($"/_matrix/client/v3/rooms/{own}/invite", $$"""{"user_id":"{{bob.UserId}}"}""");

        var answer = await alice.GetAsync($"/_matrix/client/v1/mutual_rooms?user_id={bob.UserId}");
        Assert.Equal($$"""{"count":1,"joined":["{{shared}}"]}""", answer.Body);
        Assert.Equal("""{"count":0,"joined":[]}""", (await alice.GetAsync("/_matrix/client/v1/mutual_rooms?user_id=@nobody:test")).Body);
        Assert.Equal(
            $$"""{"count":1,"joined":["{{shared}}"]}""",
            (await alice.GetAsync($"/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms?user_id={bob.UserId}")).Body);
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.GetAsync("/_matrix/client/v1/mutual_rooms?user_id=nobody")).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await alice.GetAsync("/_matrix/client/v1/mutual_rooms")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.GetAsync($"/_matrix/client/v1/mutual_rooms?user_id={alice.UserId}")).Error);
    }

    private static async Task<List<string>> FindAsync(TestSession session, string term)
    {
        var answer = await session.PostAsync("/_matrix/client/v3/user_directory/search", $$"""{"search_term":"{{JsonEncodedText.Encode(term)}}"}""");
        return [.. answer["results"].EnumerateArray().Select(user => user.GetProperty("user_id").GetString()!)];
    }
}
