using System.Text.Json;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

public class SpaceTests
{
    private const string Space = """{"preset":"public_chat","creation_content":{"type":"m.space"},"name":"space"}""";
    private const string Private = """{"preset":"private_chat","name":"private"}""";

    [Fact]
    public async Task A_summary_tells_what_the_room_is_and_what_one_is_in_it()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync("""
            {"preset":"public_chat","name":"n","topic":"t","room_alias_name":"a","room_version":"11","initial_state":[
             {"type":"m.room.encryption","content":{"algorithm":"m.megolm.v1.aes-sha2"}}]}
            """);

        foreach (var path in (string[])["v1/room_summary/%23a:test", $"v1/room_summary/{room}", $"unstable/im.nheko.summary/rooms/{room}/summary"])
        {
            Assert.Equal(
                $$"""
                {"canonical_alias":"#a:test","guest_can_join":false,"join_rule":"public","name":"n","num_joined_members":1,"room_id":"{{room}}","topic":"t","world_readable":false,"encryption":"m.megolm.v1.aes-sha2","room_version":"11"}
                """,
                (await bob.GetAsync($"/_matrix/client/{path}")).Body);
        }

        Assert.Equal("join", (await alice.GetAsync($"/_matrix/client/v1/room_summary/{room}"))["membership"].GetString());
    }

    [Fact]
    public async Task A_room_is_shown_to_those_who_may_come_in()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var club = await alice.CreateRoomAsync();
        var hidden = await alice.CreateRoomAsync(Private);
        var restricted = await alice.CreateRoomAsync($$$$"""
            {"preset":"private_chat","initial_state":[{"type":"m.room.join_rules","content":
             {"join_rule":"restricted","allow":[{"type":"m.room_membership","room_id":"{{{{club}}}}"}]}}]}
            """);
        Task<TestAnswer> SummaryAsync(string room) => bob.GetAsync($"/_matrix/client/v1/room_summary/{room}");

        Assert.Equal((404, "M_NOT_FOUND"), (await SummaryAsync(hidden)).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await SummaryAsync(restricted)).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await SummaryAsync("!none:test")).Error);

        await alice.PostAsync($"/_matrix/client/v3/rooms/{hidden}/invite", $$"""{"user_id":"{{bob.UserId}}"}""");
        await bob.PostAsync($"/_matrix/client/v3/rooms/{club}/join", "{}");

        Assert.Equal("invite", (await SummaryAsync(hidden))["membership"].GetString());
        Assert.Equal($"[\"{club}\"]", (await SummaryAsync(restricted))["allowed_room_ids"].ToString());
    }

    [Fact]
    public async Task A_space_is_walked_depth_first_in_the_order_of_its_children()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var (space, inner) = (await alice.CreateRoomAsync(Space), await alice.CreateRoomAsync(Space));
        var rooms = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            server.Time.Advance(TimeSpan.FromSeconds(1));
            rooms.Add(await alice.CreateRoomAsync(i == 4 ? Private : """{"preset":"public_chat"}"""));
        }

        await AddAsync(alice, space, rooms[0]);
        server.Time.Advance(TimeSpan.FromSeconds(1));
        await AddAsync(alice, space, rooms[4]);
        await AddAsync(alice, space, rooms[1], ""","order":"b","suggested":true""");
        await AddAsync(alice, space, inner, ""","order":"a","suggested":true""");
        await AddAsync(alice, inner, rooms[2]);
        await AddAsync(alice, inner, space);
        await AddAsync(alice, space, "!elsewhere:example.org");
        await alice.PutAsync($"/_matrix/client/v3/rooms/{space}/state/m.space.child/{rooms[3]}", "{}");

        Assert.Equal([space, inner, rooms[2], rooms[1], rooms[0]], await WalkAsync(bob, space, "limit=50"));
        Assert.Equal([space, inner, rooms[2], rooms[1], rooms[0], rooms[4]], await WalkAsync(alice, space, "limit=2"));
        Assert.Equal([space, inner, rooms[1]], await WalkAsync(bob, space, "suggested_only=true"));
        Assert.Equal([space, inner, rooms[1], rooms[0]], await WalkAsync(bob, space, "max_depth=1"));
        Assert.Equal([space], await WalkAsync(bob, space, "max_depth=0"));

        var root = (await HierarchyAsync(bob, space, "limit=1"))["rooms"][0];
        Assert.Equal("m.space", root.GetProperty("room_type").GetString());
        var child = root.GetProperty("children_state")[0];
        Assert.Equal(
            ["content", "origin_server_ts", "sender", "state_key", "type"], child.EnumerateObject().Select(property => property.Name));
        Assert.Equal(inner, child.GetProperty("state_key").GetString());
    }

    [Fact]
    public async Task A_hierarchy_is_refused_to_who_may_not_know_of_the_root_and_to_wrong_tokens()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var hidden = await alice.CreateRoomAsync(Private);
        var space = await alice.CreateRoomAsync(Space);
        await AddAsync(alice, space, await alice.CreateRoomAsync());
        var token = (await HierarchyAsync(alice, space, "limit=1"))["next_batch"].GetString();

        Assert.Equal((403, "M_FORBIDDEN"), (await HierarchyAsync(bob, hidden, "")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await HierarchyAsync(alice, space, $"max_depth=1&from={token}")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await HierarchyAsync(alice, space, $"suggested_only=true&from={token}")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await HierarchyAsync(alice, space, "from=x")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await HierarchyAsync(alice, space, "max_depth=-1")).Error);
    }

    private static Task<TestAnswer> AddAsync(TestSession session, string space, string room, string more = "") => session.PutAsync(
        $"/_matrix/client/v3/rooms/{space}/state/m.space.child/{room}", $$"""{"via":["test"]{{more}}}""");

    private static Task<TestAnswer> HierarchyAsync(TestSession session, string space, string query) =>
        session.GetAsync($"/_matrix/client/v1/rooms/{space}/hierarchy?{query}");

    private static async Task<List<string>> WalkAsync(TestSession session, string space, string query)
    {
        var rooms = new List<string>();
        string? from = null;
        do
        {
            var page = await HierarchyAsync(session, space, query + (from is null ? "" : $"&from={from}"));
            Assert.Equal((200, null), page.Error);
            rooms.AddRange(page["rooms"].EnumerateArray().Select(room => room.GetProperty("room_id").GetString()!));
            from = page.Json.TryGetProperty("next_batch", out var next) ? next.GetString() : null;
        }
        while (from is not null);
        return rooms;
    }
}
