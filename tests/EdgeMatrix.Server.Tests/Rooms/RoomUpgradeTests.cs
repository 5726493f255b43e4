using System.Text.Json;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

public class RoomUpgradeTests
{
    private const string V3 = "/_matrix/client/v3";

    [Theory]
    [InlineData("1", "11")]
    [InlineData("10", "11")]
    [InlineData("11", "12")]
    [InlineData("12", "12")]
    [InlineData("12", "10")]
    public async Task A_room_is_replaced_with_its_state_its_aliases_and_its_place_in_the_directory(string from, string to)
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var old = await alice.CreateRoomAsync($$$"""
            {"preset":"public_chat","visibility":"public","room_version":"{{{from}}}","name":"n","topic":"t","room_alias_name":"a",
             "creation_content":{"type":"org.example.kind"},"initial_state":[{"type":"org.example.own","content":{}}]}
            """);
        await alice.PostAsync($"{V3}/rooms/{old}/ban", $$"""{"user_id":"{{bob.UserId}}"}""");

        var answer = await UpgradeAsync(alice, old, to);

        Assert.Equal((200, null), answer.Error);
        var room = answer["replacement_room"].GetString()!;
        var create = await StateAsync(alice, room, "m.room.create");
        Assert.Equal(to, create.GetProperty("room_version").GetString());
        Assert.Equal("org.example.kind", create.GetProperty("type").GetString());
        Assert.Equal(old, create.GetProperty("predecessor").GetProperty("room_id").GetString());
        var hasLast = create.GetProperty("predecessor").TryGetProperty("event_id", out var last);
        Assert.Equal(to != "12", hasLast);
        if (hasLast)
        {
            // What the old room ended with is where clients lead.
            var ending = await alice.GetAsync($"{V3}/rooms/{old}/event/{Uri.EscapeDataString(last.GetString()!)}");
            Assert.Equal("m.room.tombstone", ending["type"].GetString());
        }

        Assert.Equal("n", (await StateAsync(alice, room, "m.room.name")).GetProperty("name").GetString());
        Assert.Equal("t", (await StateAsync(alice, room, "m.room.topic")).GetProperty("topic").GetString());
        Assert.Equal("public", (await StateAsync(alice, room, "m.room.join_rules")).GetProperty("join_rule").GetString());
        Assert.Equal("#a:test", (await StateAsync(alice, room, "m.room.canonical_alias")).GetProperty("alias").GetString());
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync($"{V3}/rooms/{room}/state/org.example.own")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PostAsync($"{V3}/rooms/{room}/join", "{}")).Error);

        Assert.Equal(room, (await StateAsync(alice, old, "m.room.tombstone")).GetProperty("replacement_room").GetString());
        Assert.Equal("{}", (await StateAsync(alice, old, "m.room.canonical_alias")).ToString());
        var closed = await StateAsync(alice, old, "m.room.power_levels");
        Assert.Equal((50, 50), (closed.GetProperty("events_default").GetInt32(), closed.GetProperty("invite").GetInt32()));

        Assert.Equal(room, (await alice.GetAsync($"{V3}/directory/room/%23a:test"))["room_id"].GetString());
        Assert.Equal("private", (await alice.GetAsync($"{V3}/directory/list/room/{old}"))["visibility"].GetString());
        Assert.Equal("public", (await alice.GetAsync($"{V3}/directory/list/room/{room}"))["visibility"].GetString());
    }

    [Fact]
    public async Task Who_upgrades_without_the_highest_power_has_no_more_of_it_afterwards()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var old = await OldRoomAsync(alice, "10", ""","users":{"@alice:test":100,"@bob:test":60},"events":{"m.room.tombstone":60,"m.room.history_visibility":100}""");
        await bob.PostAsync($"{V3}/rooms/{old}/join", "{}");

        var room = (await UpgradeAsync(bob, old, "11"))["replacement_room"].GetString()!;

        var levels = await StateAsync(bob, room, "m.room.power_levels");
        Assert.Equal("""{"@alice:test":100,"@bob:test":60}""", levels.GetProperty("users").ToString());
        Assert.Equal(0, levels.GetProperty("events_default").GetInt32());
    }

    [Fact]
    public async Task In_version_12_creators_are_named_by_the_create_event_and_not_by_the_power_levels()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var old = await OldRoomAsync(alice, "11", ""","users":{"@alice:test":100,"@bob:test":100,"@carol:test":50}""");

        var room = (await UpgradeAsync(alice, old, "12", ""","additional_creators":["@bob:test"]"""))["replacement_room"].GetString()!;

        Assert.Equal("""["@bob:test"]""", (await StateAsync(alice, room, "m.room.create")).GetProperty("additional_creators").ToString());
        var levels = await StateAsync(alice, room, "m.room.power_levels");
        Assert.Equal("""{"@carol:test":50}""", levels.GetProperty("users").ToString());
        Assert.Equal(150, levels.GetProperty("events").GetProperty("m.room.tombstone").GetInt32());

        // They are not transferred to the next room, unless they are named again.
        var next = (await UpgradeAsync(alice, room, "12"))["replacement_room"].GetString()!;
        Assert.False((await StateAsync(alice, next, "m.room.create")).TryGetProperty("additional_creators", out _));
    }

    [Fact]
    public async Task A_join_rule_that_the_new_version_does_not_know_lets_in_who_is_invited()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var old = await alice.CreateRoomAsync(
            """{"room_version":"10","initial_state":[{"type":"m.room.join_rules","content":{"join_rule":"knock_restricted","allow":[]}}]}""");

        var room = (await UpgradeAsync(alice, old, "9"))["replacement_room"].GetString()!;

        Assert.Equal("""{"join_rule":"invite"}""", (await StateAsync(alice, room, "m.room.join_rules")).ToString());
    }

    [Fact]
    public async Task Of_two_upgrades_at_once_one_replaces_the_room()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var old = await alice.CreateRoomAsync("""{"room_version":"10","room_alias_name":"den"}""");

        var answers = await Task.WhenAll(UpgradeAsync(alice, old, "11"), UpgradeAsync(alice, old, "12"));

        var made = Assert.Single(answers, answer => (int)answer.Status == 200)["replacement_room"].GetString()!;
        Assert.Single(answers, answer => answer.Error == (400, "M_BAD_STATE"));
        Assert.Equal(made, (await StateAsync(alice, old, "m.room.tombstone")).GetProperty("replacement_room").GetString());
        Assert.Equal(made, (await alice.GetAsync($"{V3}/directory/room/{Uri.EscapeDataString("#den:test")}"))["room_id"].GetString());
    }

    [Fact]
    public async Task A_space_keeps_its_rooms()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var old = await alice.CreateRoomAsync("""{"creation_content":{"type":"m.space"}}""");
        await alice.PutAsync($"{V3}/rooms/{old}/state/m.space.child/!room:test", """{"via":["test"]}""");
        await alice.PutAsync($"{V3}/rooms/{old}/state/m.space.child/!gone:test", "{}");

        var room = (await UpgradeAsync(alice, old, "12"))["replacement_room"].GetString()!;

        Assert.Equal(200, (int)(await alice.GetAsync($"{V3}/rooms/{room}/state/m.space.child/!room:test")).Status);
        Assert.Equal(404, (int)(await alice.GetAsync($"{V3}/rooms/{room}/state/m.space.child/!gone:test")).Status);
    }

    [Fact]
    public async Task Who_upgrades_and_who_follows_find_their_tags_push_rules_and_direct_chats()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var old = await alice.CreateRoomAsync();
        await bob.PostAsync($"{V3}/rooms/{old}/join", "{}");
        foreach (var session in (TestSession[])[alice, bob])
        {
            var user = $"{V3}/user/{session.UserId}";
            await session.PutAsync($"{user}/rooms/{old}/tags/m.favourite", """{"order":0.5}""");
            await session.PutAsync($"{user}/account_data/m.direct", $$"""{"@carol:test":["{{old}}"],"@dave:test":["!other:test"]}""");
            await session.PutAsync($"{V3}/pushrules/global/room/{old}", """{"actions":["notify"]}""");
            await session.PutAsync(
                $"{V3}/pushrules/global/override/{old}", $$"""{"actions":[],"conditions":[{"kind":"event_match","key":"room_id","pattern":"{{old}}"}]}""");
        }

        var room = (await UpgradeAsync(alice, old, "12"))["replacement_room"].GetString()!;
        await bob.PostAsync($"{V3}/rooms/{room}/join", "{}");

        foreach (var session in (TestSession[])[alice, bob])
        {
            var user = $"{V3}/user/{session.UserId}";
            Assert.Equal("""{"tags":{"m.favourite":{"order":0.5}}}""", (await session.GetAsync($"{user}/rooms/{room}/tags")).Body);
            Assert.Equal(
                $$"""{"@carol:test":["{{old}}","{{room}}"],"@dave:test":["!other:test"]}""", (await session.GetAsync($"{user}/account_data/m.direct")).Body);
            Assert.Equal("""["notify"]""", (await session.GetAsync($"{V3}/pushrules/global/room/{room}"))["actions"].ToString());
            var rule = await session.GetAsync($"{V3}/pushrules/global/override/{room}");
            Assert.Equal(room, rule["conditions"][0].GetProperty("pattern").GetString());
        }
    }

    [Fact]
    public async Task A_room_that_names_a_predecessor_which_does_not_name_it_takes_nothing_over()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, mallory) = (await server.RegisterAsync("alice"), await server.RegisterAsync("mallory"));
        var old = await alice.CreateRoomAsync();
        await alice.PutAsync($"{V3}/user/{alice.UserId}/rooms/{old}/tags/m.favourite", "{}");
        var room = await mallory.CreateRoomAsync($$$$"""{"preset":"public_chat","creation_content":{"predecessor":{"room_id":"{{{{old}}}}"}}}""");

        await alice.PostAsync($"{V3}/rooms/{room}/join", "{}");

        Assert.Equal("""{"tags":{}}""", (await alice.GetAsync($"{V3}/user/{alice.UserId}/rooms/{room}/tags")).Body);
    }

    [Fact]
    public async Task An_upgrade_that_may_not_be_leaves_everything_as_it_is()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync();

        Assert.Equal((403, "M_FORBIDDEN"), (await UpgradeAsync(bob, room, "11")).Error);
        await bob.PostAsync($"{V3}/rooms/{room}/join", "{}");
        Assert.Equal((403, "M_FORBIDDEN"), (await UpgradeAsync(bob, room, "11")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await UpgradeAsync(alice, "!none:test", "11")).Error);
        Assert.Equal((400, "M_UNSUPPORTED_ROOM_VERSION"), (await UpgradeAsync(alice, room, "none")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await UpgradeAsync(alice, room, "12", ""","additional_creators":["bob"]""")).Error);
        Assert.Equal((400, "M_BAD_JSON"), (await alice.PostAsync($"{V3}/rooms/{room}/upgrade", "{}")).Error);
        Assert.Equal($$"""{"joined_rooms":["{{room}}"]}""", (await alice.GetAsync($"{V3}/joined_rooms")).Body);
        Assert.Equal(404, (int)(await alice.GetAsync($"{V3}/rooms/{room}/state/m.room.tombstone")).Status);
    }

    private static Task<string> OldRoomAsync(TestSession creator, string version, string levels) => creator.CreateRoomAsync(
        $$$"""{"preset":"public_chat","room_version":"{{{version}}}","power_level_content_override":{"ban":50{{{levels}}}}}""");

    private static Task<TestAnswer> UpgradeAsync(TestSession session, string room, string version, string more = "") =>
        session.PostAsync($"{V3}/rooms/{room}/upgrade", $$"""{"new_version":"{{version}}"{{more}}}""");

    private static async Task<JsonElement> StateAsync(TestSession session, string room, string type)
    {
        var answer = await session.GetAsync($"{V3}/rooms/{room}/state/{type}");
        Assert.Equal((200, null), answer.Error);
        return answer.Json;
    }
}
