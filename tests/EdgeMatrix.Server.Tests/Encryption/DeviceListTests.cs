using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Encryption;

public sealed class DeviceListTests
{
    [Fact]
    public async Task Whoever_shares_a_room_hears_of_new_renamed_and_deleted_devices_and_nobody_else()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, carol) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob"), await server.RegisterAsync("carol"));
        var room = await alice.CreateRoomAsync();
        await JoinAsync(bob, room);
        var laptop = await server.LogInAsync("alice", "LAPTOP");
        var (a, b, c) = (await NextAsync(alice), await NextAsync(bob), await NextAsync(carol));

        foreach (var change in new Func<Task>[]
        {
            () => laptop.UploadKeysAsync("one"),
            () => laptop.PutAsync("/_matrix/client/v3/devices/LAPTOP", """{"display_name":"New"}"""),
            () => laptop.PostAsync("/_matrix/client/v3/logout", "{}"),
        })
        {
            await change();
            Assert.Equal("@alice:test|", await ListsAsync(alice, a));
            Assert.Equal("@alice:test|", await ListsAsync(bob, b));
            Assert.Equal("|", await ListsAsync(carol, c));
            (a, b) = (await NextAsync(alice), await NextAsync(bob));
            Assert.Equal("|", await ListsAsync(bob, b));
        }
    }

    [Fact]
    public async Task A_device_is_heard_of_before_it_has_keys_and_so_is_its_name()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob"));
        await JoinAsync(bob, await alice.CreateRoomAsync());
        var since = await NextAsync(bob);

        await server.LogInAsync("alice", "LAPTOP");
        Assert.Equal("@alice:test|", await ListsAsync(bob, since));
        since = await NextAsync(bob);
        await alice.PutAsync("/_matrix/client/v3/devices/LAPTOP", """{"display_name":"New"}""");
        Assert.Equal("@alice:test|", await ListsAsync(bob, since));
    }

    [Fact]
    public async Task Who_is_invited_is_one_to_encrypt_to()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync();
        var since = await NextAsync(alice);

        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/invite", $$"""{"user_id":"{{bob.UserId}}"}""");
        Assert.Equal("@bob:test|", await ListsAsync(alice, since));
        Assert.Equal("|", await ListsAsync(alice, await NextAsync(alice)));
    }

    [Fact]
    public async Task More_one_time_keys_and_the_same_identity_again_are_no_change()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice", "PHONE");
        await alice.UploadKeysAsync("one");
        var since = await NextAsync(alice);

        await alice.UploadKeysAsync("one", "two");
        Assert.Equal("|", await ListsAsync(alice, since));
    }

    [Fact]
    public async Task The_first_room_shared_is_a_change_and_the_last_one_left_the_end()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var (one, two) = (await alice.CreateRoomAsync(), await alice.CreateRoomAsync());
        var (a, b) = (await NextAsync(alice), await NextAsync(bob));

        await JoinAsync(bob, one);
        Assert.Equal("@bob:test|", await ListsAsync(alice, a));
        Assert.Equal("@alice:test|", await ListsAsync(bob, b));

        (a, b) = (await NextAsync(alice), await NextAsync(bob));
        await JoinAsync(bob, two);
        await LeaveAsync(bob, one);
        await bob.PutAsync("/_matrix/client/v3/profile/@bob:test/displayname", """{"displayname":"Bobby"}""");
        Assert.Equal("|", await ListsAsync(alice, a));
        Assert.Equal("|", await ListsAsync(bob, b));

        await LeaveAsync(bob, two);
        Assert.Equal("|@bob:test", await ListsAsync(alice, a));
        Assert.Equal("|@alice:test", await ListsAsync(bob, b));

        (a, b) = (await NextAsync(alice), await NextAsync(bob));
        await JoinAsync(bob, one);
        await LeaveAsync(bob, one);
        Assert.Equal("|", await ListsAsync(alice, a));
    }

    [Fact]
    public async Task A_change_is_exact_at_the_end_of_the_stretch_that_is_asked_for()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync();
        var start = await NextAsync(alice);
        await JoinAsync(bob, room);
        var joined = await NextAsync(alice);
        await LeaveAsync(bob, room);
        var left = await NextAsync(alice);

        Assert.Equal("@bob:test|", await ChangesAsync(alice, start, joined));
        Assert.Equal("|@bob:test", await ChangesAsync(alice, joined, left));
        Assert.Equal("|", await ChangesAsync(alice, start, left));
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.GetAsync($"/_matrix/client/v3/keys/changes?from=x&to={left}")).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await alice.GetAsync($"/_matrix/client/v3/keys/changes?from={left}")).Error);
    }

    [Fact]
    public async Task A_waiting_sync_is_woken_by_new_keys_of_somebody_in_a_room()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice", "PHONE"), await server.RegisterAsync("bob"));
        await JoinAsync(bob, await alice.CreateRoomAsync());

        var waiting = bob.GetAsync($"/_matrix/client/v3/sync?timeout=600000&since={await NextAsync(bob)}");
        await alice.UploadKeysAsync();

        Assert.Equal("""{"changed":["@alice:test"],"left":[]}""", (await waiting)["device_lists"].GetRawText());
    }

    private static Task<TestAnswer> JoinAsync(TestSession session, string room) => session.PostAsync($"/_matrix/client/v3/rooms/{room}/join", "{}");

    private static Task<TestAnswer> LeaveAsync(TestSession session, string room) => session.PostAsync($"/_matrix/client/v3/rooms/{room}/leave", "{}");

    private static async Task<string> NextAsync(TestSession session) => (await session.GetAsync("/_matrix/client/v3/sync"))["next_batch"].GetString()!;

    private static async Task<string> ListsAsync(TestSession session, string since)
    {
        var sync = await session.GetAsync($"/_matrix/client/v3/sync?since={since}");
        return sync.Json.TryGetProperty("device_lists", out var lists) ? Text(lists) : "|";
    }

    private static async Task<string> ChangesAsync(TestSession session, string from, string to) =>
        Text((await session.GetAsync($"/_matrix/client/v3/keys/changes?from={from}&to={to}")).Json);

    private static string Text(System.Text.Json.JsonElement lists) => $"{Names(lists, "changed")}|{Names(lists, "left")}";

    private static string Names(System.Text.Json.JsonElement lists, string name) =>
        string.Join(',', lists.GetProperty(name).EnumerateArray().Select(user => user.GetString()));
}
