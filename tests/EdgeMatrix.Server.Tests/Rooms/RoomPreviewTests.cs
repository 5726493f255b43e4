using System.Text.Json;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

/// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#room-previews</summary>
public sealed class RoomPreviewTests
{
    private const string V3 = "/_matrix/client/v3";
    private const string WorldReadable =
        """{"preset":"public_chat","initial_state":[{"type":"m.room.history_visibility","state_key":"","content":{"history_visibility":"world_readable"}}]}""";

    [Fact]
    public async Task A_room_that_the_world_may_read_is_read_from_outside_in_every_way()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync(WorldReadable);
        var id = await alice.SendTextAsync(room, "hello", "1");

        var initial = await bob.GetAsync($"{V3}/rooms/{room}/initialSync");
        Assert.False(initial.Json.TryGetProperty("membership", out _));
        Assert.Equal("private", initial["visibility"].GetString());
        Assert.Equal(id, initial["messages"].GetProperty("chunk").EnumerateArray().Last().GetProperty("event_id").GetString());
        Assert.Contains(initial["state"].EnumerateArray(), stored => stored.GetProperty("type").GetString() == "m.room.create");
        Assert.Equal("[]", initial["account_data"].ToString());
        var token = initial["messages"].GetProperty("end").GetString();
        foreach (var path in (string[])["state", "members", "members?at=" + token, "messages?dir=b", $"context/{id}", $"event/{id}", "state/m.room.create/"])
        {
            Assert.Equal((200, null), (await bob.GetAsync($"{V3}/rooms/{room}/{path}")).Error);
        }

        Assert.Equal(alice.UserId, (await bob.GetAsync($"{V3}/rooms/{room}/members?at={token}"))["chunk"][0].GetProperty("state_key").GetString());
        Assert.Equal(id, (await bob.GetAsync($"{V3}/events/{id}"))["event_id"].GetString());
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PostAsync($"{V3}/rooms/{room}/receipt/m.read/{id}", "{}")).Error);
    }

    [Fact]
    public async Task Other_rooms_are_not()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync();
        var id = await alice.SendTextAsync(room, "hello", "1");

        Assert.Equal((403, "M_FORBIDDEN"), (await bob.GetAsync($"{V3}/rooms/{room}/initialSync")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.GetAsync($"{V3}/events?room_id={room}&timeout=0")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.GetAsync($"{V3}/events?room_id=!none:test&timeout=0")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await bob.GetAsync($"{V3}/events/{id}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await bob.GetAsync($"{V3}/events/$none")).Error);
    }

    [Fact]
    public async Task What_was_said_before_the_world_might_read_is_not_shown_to_it()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync();
        await alice.SendTextAsync(room, "secret", "1");
        var before = (await alice.GetAsync($"{V3}/sync"))["next_batch"].GetString();
        await SetVisibilityAsync(alice, room, "world_readable");
        await alice.SendTextAsync(room, "for all", "2");

        Assert.Equal(["for all"], Texts((await bob.GetAsync($"{V3}/rooms/{room}/initialSync"))["messages"].GetProperty("chunk")));
        Assert.Equal(0, (await bob.GetAsync($"{V3}/rooms/{room}/members?at={before}"))["chunk"].GetArrayLength());
    }

    [Fact]
    public async Task Whoever_looks_in_is_woken_by_what_happens()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync(WorldReadable);
        var from = (await bob.GetAsync($"{V3}/rooms/{room}/initialSync"))["messages"].GetProperty("end").GetString();

        var waiting = bob.GetAsync($"{V3}/events?room_id={room}&from={from}&timeout=30000");
        await Task.Delay(50);
        Assert.False(waiting.IsCompleted);
        await alice.SendTextAsync(room, "wake up", "1");
        var answer = await waiting;

        Assert.Equal(["wake up"], Texts(answer["chunk"]));
        Assert.Equal(from, answer["start"].GetString());
        var next = bob.GetAsync($"{V3}/events?room_id={room}&from={answer["end"].GetString()}&timeout=1000");
        await Task.Delay(50);
        Assert.False(next.IsCompleted);
        server.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, (await next)["chunk"].GetArrayLength());
    }

    [Fact]
    public async Task The_wait_ends_when_the_room_is_closed_to_the_world()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync(WorldReadable);

        var waiting = bob.GetAsync($"{V3}/events?room_id={room}");
        await Task.Delay(50);
        await SetVisibilityAsync(alice, room, "shared");

        Assert.Equal((403, "M_FORBIDDEN"), (await waiting).Error);
    }

    [Fact]
    public async Task More_than_fits_into_an_answer_follows_in_the_next()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync(WorldReadable);
        var from = (await bob.GetAsync($"{V3}/rooms/{room}/initialSync"))["messages"].GetProperty("end").GetString();
        for (var i = 0; i < 130; i++)
        {
            await alice.SendTextAsync(room, $"{i}", $"{i}");
        }

        var first = await bob.GetAsync($"{V3}/events?room_id={room}&from={from}");
        var second = await bob.GetAsync($"{V3}/events?room_id={room}&from={first["end"].GetString()}");

        Assert.Equal(Enumerable.Range(0, 130).Select(i => $"{i}"), Texts(first["chunk"]).Concat(Texts(second["chunk"])));
        Assert.Equal((400, "M_INVALID_PARAM"), (await bob.GetAsync($"{V3}/events?room_id={room}&from=s999999_0_0")).Error);
    }

    [Fact]
    public async Task The_departed_see_the_room_as_it_was_when_they_left()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, carol) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"), await server.RegisterAsync("carol"));
        var room = await alice.CreateRoomAsync(WorldReadable);
        await bob.PostAsync($"{V3}/rooms/{room}/join", "{}");
        await bob.PostAsync($"{V3}/rooms/{room}/leave", "{}");
        await carol.PostAsync($"{V3}/rooms/{room}/join", "{}");
        await alice.PutAsync($"{V3}/rooms/{room}/state/m.room.name", """{"name":"New"}""");
        await alice.SendTextAsync(room, "later", "1");

        var initial = await bob.GetAsync($"{V3}/rooms/{room}/initialSync");

        Assert.Equal("leave", initial["membership"].GetString());
        Assert.Empty(Texts(initial["messages"].GetProperty("chunk")));
        Assert.DoesNotContain(initial["state"].EnumerateArray(), stored => stored.GetProperty("type").GetString() == "m.room.name");
        Assert.Equal((404, "M_NOT_FOUND"), (await bob.GetAsync($"{V3}/rooms/{room}/state/m.room.name/")).Error);
        Assert.DoesNotContain(carol.UserId, (await bob.GetAsync($"{V3}/rooms/{room}/members")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_without_sync_begins_with_all_its_rooms_and_listens_to_them()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with { Presence = new() { Enabled = true } });
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var (room, left) = (await alice.CreateRoomAsync(), await alice.CreateRoomAsync());
        foreach (var id in (string[])[room, left])
        {
            await bob.PostAsync($"{V3}/rooms/{id}/join", "{}");
        }

        await bob.PostAsync($"{V3}/rooms/{left}/leave", "{}");
        await alice.SendTextAsync(room, "old", "1");
        var invite = await alice.CreateRoomAsync("""{"preset":"private_chat","invite":["@bob:test"]}""");
        await alice.GetAsync(V3 + "/sync");

        var initial = await bob.GetAsync($"{V3}/initialSync?limit=1");
        var archived = await bob.GetAsync($"{V3}/initialSync?limit=1&archived=true");

        Assert.Equal([(invite, "invite"), (room, "join")], Rooms(initial));
        Assert.Equal([(invite, "invite"), (room, "join"), (left, "leave")], Rooms(archived));
        Assert.Equal(["old"], Texts(initial["rooms"][1].GetProperty("messages").GetProperty("chunk")));
        Assert.Equal(alice.UserId, initial["rooms"][0].GetProperty("invite").GetProperty("sender").GetString());
        Assert.Contains(initial["presence"].EnumerateArray(), status => status.GetProperty("sender").GetString() == alice.UserId);
        Assert.Equal("[]", initial["account_data"].GetRawText());

        var waiting = bob.GetAsync($"{V3}/events?from={initial["end"].GetString()}&timeout=30000");
        await alice.SendTextAsync(room, "new", "2");
        var answer = await waiting;
        Assert.Equal(["new"], Texts(answer["chunk"]));
        var other = await alice.CreateRoomAsync("""{"preset":"private_chat","invite":["@bob:test"]}""");
        var invited = (await bob.GetAsync($"{V3}/events?from={answer["end"].GetString()}"))["chunk"][0];
        Assert.Equal((other, "invite"), (invited.GetProperty("room_id").GetString(), invited.GetProperty("content").GetProperty("membership").GetString()));
    }

    [Fact]
    public async Task Members_learn_from_the_beginning_who_is_there_and_who_has_read_what()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with { Presence = new() { Enabled = true } });
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync(WorldReadable);
        var id = await alice.SendTextAsync(room, "read me", "1");
        await alice.PostAsync($"{V3}/rooms/{room}/receipt/m.read/{id}", "{}");

        var mine = await alice.GetAsync(V3 + "/initialSync");
        var inside = await alice.GetAsync($"{V3}/rooms/{room}/initialSync?limit=100");
        var outside = await bob.GetAsync($"{V3}/rooms/{room}/initialSync");

        foreach (var answer in (TestAnswer[])[mine, inside])
        {
            Assert.Equal([alice.UserId], answer["presence"].EnumerateArray().Select(status => status.GetProperty("content").GetProperty("user_id").GetString()));
            Assert.Equal("online", answer["presence"][0].GetProperty("content").GetProperty("presence").GetString());
            var receipt = Assert.Single(answer["receipts"].EnumerateArray());
            Assert.Equal(room, receipt.GetProperty("room_id").GetString());
            Assert.True(receipt.GetProperty("content").GetProperty(id).GetProperty("m.read").TryGetProperty(alice.UserId, out _));
        }

        Assert.Equal(("[]", "[]"), (outside["presence"].GetRawText(), outside["receipts"].GetRawText()));

        // All of the room is there: its start is a place before which there is nothing.
        var start = inside["messages"].GetProperty("start").GetString();
        Assert.Equal("[]", (await alice.GetAsync($"{V3}/rooms/{room}/messages?dir=b&from={start}"))["chunk"].GetRawText());
    }

    [Fact]
    public async Task Guests_may_look_in_too_but_only_room_by_room()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with { Registration = options.Registration with { Guests = true } });
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync(WorldReadable);
        var token = (await server.PostAsync(V3 + "/register?kind=guest", "{}"))["access_token"].GetString();

        Assert.Equal((200, null), (await server.GetAsync($"{V3}/rooms/{room}/initialSync", token)).Error);
        Assert.Equal((200, null), (await server.GetAsync($"{V3}/events?room_id={room}&timeout=0", token)).Error);
        Assert.Equal((403, "M_GUEST_ACCESS_FORBIDDEN"), (await server.GetAsync($"{V3}/events?timeout=0", token)).Error);
    }

    private static IEnumerable<(string? Room, string? Membership)> Rooms(TestAnswer answer) => answer["rooms"].EnumerateArray()
        .Select(room => (room.GetProperty("room_id").GetString(), room.GetProperty("membership").GetString()));

    private static List<string?> Texts(JsonElement events) => [.. events.EnumerateArray()
        .Where(stored => stored.GetProperty("type").GetString() == "m.room.message")
        .Select(stored => stored.GetProperty("content").GetProperty("body").GetString())];

    private static Task<TestAnswer> SetVisibilityAsync(TestSession user, string room, string visibility) =>
        user.PutAsync($"{V3}/rooms/{room}/state/m.room.history_visibility", $$"""{"history_visibility":"{{visibility}}"}""");
}
