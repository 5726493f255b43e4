using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

public class RoomEndpointTests
{
    private const string V3 = "/_matrix/client/v3";

    [Fact]
    public async Task Two_people_talk_and_the_sender_alone_sees_its_transaction_id()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var room = await alice.CreateRoomAsync();
        Assert.Equal(room, (await bob.PostAsync($"{V3}/join/{room}", ""))["room_id"].GetString());
        var id = await alice.SendTextAsync(room, "hello", "t1");

        Assert.Equal(id, await alice.SendTextAsync(room, "hello", "t1"));
        var mine = await alice.GetAsync($"{V3}/rooms/{room}/event/{id}");
        var theirs = await bob.GetAsync($"{V3}/rooms/{room}/event/{id}");

        Assert.Equal("t1", mine["unsigned"].GetProperty("transaction_id").GetString());
        Assert.False(theirs["unsigned"].TryGetProperty("transaction_id", out _));
        Assert.Equal("join", theirs["unsigned"].GetProperty("membership").GetString());
    }

    [Fact]
    public async Task An_event_that_one_may_not_read_is_not_found_as_one_that_is_not_there()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var mallory = await server.RegisterAsync("mallory");
        var room = await alice.CreateRoomAsync();
        var id = await alice.SendTextAsync(room, "hello", "t1");

        var secret = await mallory.GetAsync($"{V3}/rooms/{room}/event/{id}");
        var none = await mallory.GetAsync($"{V3}/rooms/{room}/event/$none");
        var nowhere = await mallory.GetAsync($"{V3}/rooms/!none:test/event/{id}");

        Assert.Equal((404, "M_NOT_FOUND"), secret.Error);
        Assert.Equal(secret.Body, none.Body);
        Assert.Equal(secret.Body, nowhere.Body);
    }

    [Fact]
    public async Task An_outsider_who_redacts_learns_nothing_of_what_the_room_holds()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var mallory = await server.RegisterAsync("mallory");
        var room = await alice.CreateRoomAsync();
        var id = await alice.SendTextAsync(room, "hello", "t1");

        var present = await mallory.PutAsync($"{V3}/rooms/{room}/redact/{id}/r1", "{}");
        var absent = await mallory.PutAsync($"{V3}/rooms/{room}/redact/$none/r2", "{}");

        Assert.Equal((403, "M_FORBIDDEN"), present.Error);
        Assert.Equal(present.Body, absent.Body);
    }

    // Draupnir 3.1 asks for the first page of what it redacts by an empty token.
    [Fact]
    public async Task An_empty_token_is_as_good_as_none()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var id = await alice.SendTextAsync(room, "hello", "t1");
        string[] lists =
        [
            $"{V3}/rooms/{room}/messages?dir=b&from=&to=",
            $"/_matrix/client/v1/rooms/{room}/relations/{id}?from=&to=",
            $"/_matrix/client/v1/rooms/{room}/threads?from=",
            $"/_matrix/client/v1/rooms/{room}/hierarchy?from=",
            $"{V3}/notifications?from=",
            $"{V3}/publicRooms?since=",
        ];

        foreach (var list in lists)
        {
            var first = await alice.GetAsync(list);

            Assert.Equal(200, (int)first.Status);
            Assert.Equal((await alice.GetAsync(list.Replace("from=", "").Replace("to=", "").Replace("since=", ""))).Body, first.Body);
        }
    }

    [Fact]
    public async Task Who_forgot_a_room_reads_no_more_of_it()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync();
        await bob.PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        await bob.PostAsync($"/_matrix/client/v3/rooms/{room}/leave", "{}");
        Assert.Equal(200, (int)(await bob.GetAsync($"/_matrix/client/v3/rooms/{room}/messages?dir=b")).Status);

        await bob.PostAsync($"/_matrix/client/v3/rooms/{room}/forget", "{}");
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.GetAsync($"/_matrix/client/v3/rooms/{room}/messages?dir=b")).Error);

        await bob.PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        Assert.Equal(200, (int)(await bob.GetAsync($"/_matrix/client/v3/rooms/{room}/messages?dir=b")).Status);
    }

    [Theory]
    [InlineData("""{"initial_state":[null]}""", 400, "M_BAD_JSON")]
    [InlineData("""{"invite_3pid":"bob@mail.test"}""", 400, "M_BAD_JSON")]
    public async Task A_room_that_cannot_be_as_asked_is_not_made(string body, int status, string code)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal((status, code), (await alice.PostAsync($"{V3}/createRoom", body)).Error);
        Assert.Equal("""{"joined_rooms":[]}""", (await alice.GetAsync($"{V3}/joined_rooms")).Body);
    }

    [Fact]
    public async Task The_state_key_of_initial_state_is_empty_unless_it_is_given()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync("""
            {"preset":"private_chat","initial_state":[{"type":"m.room.join_rules","content":{"join_rule":"public"}},
             {"type":"org.example.own","state_key":"k","content":{"a":1}}]}
            """);

        Assert.Equal("""{"join_rule":"public"}""", (await alice.GetAsync($"{V3}/rooms/{room}/state/m.room.join_rules")).Body);
        Assert.Equal("""{"a":1}""", (await alice.GetAsync($"{V3}/rooms/{room}/state/org.example.own/k")).Body);
    }

    [Theory]
    [InlineData("""{"alias":7}""")]
    [InlineData("""{"alias":["#a:test"]}""")]
    [InlineData("""{"alt_aliases":"#a:test"}""")]
    [InlineData("""{"alt_aliases":[null]}""")]
    public async Task A_canonical_alias_of_the_wrong_type_is_refused(string content)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();

        var answer = await alice.PutAsync($"{V3}/rooms/{room}/state/m.room.canonical_alias", content);

        Assert.Equal((400, "M_INVALID_PARAM"), answer.Error);
    }

    [Fact]
    public async Task A_transaction_id_is_known_for_a_day_and_forgotten_on_the_day_after()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var first = await alice.SendTextAsync(room, "one", "t1");

        server.Time.Advance(TimeSpan.FromHours(24));
        var second = await alice.SendTextAsync(room, "two", "t2");
        Assert.Equal(first, await alice.SendTextAsync(room, "one", "t1"));

        server.Time.Advance(TimeSpan.FromHours(24));
        await alice.SendTextAsync(room, "three", "t3");
        Assert.NotEqual(first, await alice.SendTextAsync(room, "one", "t1"));
        Assert.Equal(second, await alice.SendTextAsync(room, "two", "t2"));
    }

    [Fact]
    public async Task Messages_page_both_ways_without_a_gap()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        for (var i = 0; i < 25; i++)
        {
            await alice.SendTextAsync(room, $"m{i}", $"t{i}");
        }

        var back = await PageAllAsync(alice, room, "b");
        var forth = await PageAllAsync(alice, room, "f");

        Assert.Equal(31, back.Count);
        Assert.Equal(forth, Enumerable.Reverse(back));
    }

    [Fact]
    public async Task Who_left_sees_the_room_as_it_was_then()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var room = await alice.CreateRoomAsync("""{"preset":"public_chat","name":"before"}""");
        await bob.PostAsync($"{V3}/join/{room}", "{}");
        await bob.PostAsync($"{V3}/rooms/{room}/leave", "{}");
        await alice.PutAsync($"{V3}/rooms/{room}/state/m.room.name", """{"name":"after"}""");
        var hidden = await alice.SendTextAsync(room, "behind your back", "t");

        Assert.Equal("before", (await bob.GetAsync($"{V3}/rooms/{room}/state/m.room.name/"))["name"].GetString());
        Assert.Equal((404, "M_NOT_FOUND"), (await bob.GetAsync($"{V3}/rooms/{room}/event/{hidden}")).Error);
        Assert.DoesNotContain(hidden, await PageAllAsync(bob, room, "b"));
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.GetAsync($"{V3}/rooms/{room}/joined_members")).Error);
    }

    [Fact]
    public async Task A_room_outlives_a_restart_with_its_transactions()
    {
        var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var id = await alice.SendTextAsync(room, "kept", "t1");

        await using var again = await server.RestartAsync();
        alice = alice with { Server = again };

        Assert.Equal(id, await alice.SendTextAsync(room, "kept", "t1"));
        Assert.Equal("kept", (await alice.GetAsync($"{V3}/rooms/{room}/event/{id}"))["content"].GetProperty("body").GetString());
    }

    [Fact]
    public async Task The_directory_lists_what_is_published_page_by_page()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        for (var i = 0; i < 3; i++)
        {
            await alice.CreateRoomAsync($$"""{"visibility":"public","name":"Room {{i}}","room_alias_name":"r{{i}}"}""");
        }

        await alice.CreateRoomAsync("""{"name":"hidden"}""");
        var first = await alice.GetAsync($"{V3}/publicRooms?limit=2");
        var next = await alice.GetAsync($"{V3}/publicRooms?limit=2&since={first["next_batch"].GetString()}");
        var back = await alice.GetAsync($"{V3}/publicRooms?limit=2&since={next["prev_batch"].GetString()}");
        var found = await alice.PostAsync($"{V3}/publicRooms", """{"filter":{"generic_search_term":"ROOM 1"}}""");

        Assert.Equal(["Room 0", "Room 1"], Names(first));
        Assert.Equal(["Room 2"], Names(next));
        Assert.Equal(Names(first), Names(back));
        Assert.Equal(["Room 1"], Names(found));
        Assert.Equal(3, first["total_room_count_estimate"].GetInt32());
        Assert.False(next.Json.TryGetProperty("next_batch", out _));
        var resolved = await alice.GetAsync($"{V3}/directory/room/%23r1%3Atest");
        Assert.Equal(["test"], resolved["servers"].EnumerateArray().Select(s => s.GetString()));

        static IEnumerable<string?> Names(TestAnswer answer) => answer["chunk"].EnumerateArray().Select(r => r.GetProperty("name").GetString());
    }

    [Fact]
    public async Task An_alias_that_is_deleted_is_the_room_s_no_more()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync("""{"preset":"public_chat","room_alias_name":"one"}""");
        await bob.PostAsync($"{V3}/join/{room}", "{}");
        foreach (var (maker, name) in ((TestSession, string)[])[(alice, "two"), (bob, "three")])
        {
            await maker.PutAsync($"{V3}/directory/room/%23{name}:test", $$"""{"room_id":"{{room}}"}""");
        }

        var state = $"{V3}/rooms/{room}/state/m.room.canonical_alias";
        await alice.PutAsync(state, """{"alias":"#one:test","alt_aliases":["#two:test","#three:test"]}""");

        Assert.Equal("{}", (await alice.DeleteAsync($"{V3}/directory/room/%23two:test")).Body);
        Assert.Equal("""{"alias":"#one:test","alt_aliases":["#three:test"]}""", (await alice.GetAsync(state)).Body);
        Assert.Equal("{}", (await alice.DeleteAsync($"{V3}/directory/room/%23one:test")).Body);
        Assert.Equal("""{"alt_aliases":["#three:test"]}""", (await alice.GetAsync(state)).Body);

        // Bob made the alias, but what the room is called is not for him to say.
        Assert.Equal("{}", (await bob.DeleteAsync($"{V3}/directory/room/%23three:test")).Body);
        Assert.Equal("""{"alt_aliases":["#three:test"]}""", (await alice.GetAsync(state)).Body);
    }

    [Fact]
    public async Task Without_a_transaction_an_event_is_sent_each_time()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var path = $"{V3}/rooms/{await alice.CreateRoomAsync()}/send/m.room.message";

        var first = await alice.PostAsync(path, """{"msgtype":"m.text","body":"hello"}""");
        var second = await alice.PostAsync(path, """{"msgtype":"m.text","body":"hello"}""");

        Assert.Equal((200, 200), (first.Error.Status, second.Error.Status));
        Assert.NotEqual(first["event_id"].GetString(), second["event_id"].GetString());
    }

    [Fact]
    public async Task Whoever_pages_forward_can_go_on_from_the_newest_event()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var from = (await alice.GetAsync($"{V3}/sync"))["next_batch"].GetString();
        await alice.SendTextAsync(room, "one", "1");

        var page = await alice.GetAsync($"{V3}/rooms/{room}/messages?dir=f&from={from}");
        var none = await alice.GetAsync($"{V3}/rooms/{room}/messages?dir=f&from={page["end"].GetString()}");
        await alice.SendTextAsync(room, "two", "2");
        var next = await alice.GetAsync($"{V3}/rooms/{room}/messages?dir=f&from={page["end"].GetString()}");

        Assert.Equal("one", Assert.Single(page["chunk"].EnumerateArray()).GetProperty("content").GetProperty("body").GetString());
        Assert.Equal(0, none["chunk"].GetArrayLength());
        Assert.False(none.Json.TryGetProperty("end", out _));
        Assert.Equal("two", Assert.Single(next["chunk"].EnumerateArray()).GetProperty("content").GetProperty("body").GetString());
    }

    [Theory]
    [InlineData("PUT", "/rooms/ROOM/send/m.room.message/1", "{", 400, "M_NOT_JSON")]
    [InlineData("PUT", "/rooms/ROOM/send/m.room.message/2", "[]", 400, "M_BAD_JSON")]
    [InlineData("PUT", "/rooms/ROOM/send/m.room.message/3", """{"n":1.5}""", 400, "M_BAD_JSON")]
    [InlineData("PUT", "/rooms/ROOM/send/m.room.message/4", """{"n":9007199254740992}""", 400, "M_BAD_JSON")]
    [InlineData("PUT", "/rooms/ROOM/send/m.room.message/5", """{"n":"\ud800"}""", 400, "M_BAD_JSON")]
    [InlineData("PUT", "/rooms/!nowhere:test/send/m.room.message/6", "{}", 403, "M_FORBIDDEN")]
    [InlineData("PUT", "/rooms/ROOM/send/m.room.create/7", "{}", 403, "M_FORBIDDEN")]
    [InlineData("PUT", "/rooms/ROOM/state/m.room.canonical_alias", """{"alias":"#no:test"}""", 400, "M_BAD_ALIAS")]
    [InlineData("PUT", "/rooms/ROOM/redact/$nothing/8", "{}", 400, "M_INVALID_PARAM")]
    [InlineData("POST", "/rooms/ROOM/invite", """{"medium":"email","address":"bob@example.org","id_server":"id.test"}""", 400, "M_MISSING_PARAM")]
    [InlineData("POST", "/rooms/ROOM/invite", "{}", 400, "M_BAD_JSON")]
    [InlineData("POST", "/rooms/ROOM/invite", """{"user_id":"bob"}""", 400, "M_INVALID_PARAM")]
    [InlineData("POST", "/rooms/ROOM/kick", """{"user_id":"@nobody:test"}""", 403, "M_FORBIDDEN")]
    [InlineData("POST", "/rooms/ROOM/forget", "{}", 400, "M_UNKNOWN")]
    [InlineData("POST", "/join/%23nowhere%3Atest", "{}", 404, "M_NOT_FOUND")]
    [InlineData("POST", "/join/nonsense", "{}", 400, "M_INVALID_PARAM")]
    [InlineData("POST", "/createRoom", """{"preset":"none"}""", 400, "M_INVALID_PARAM")]
    [InlineData("POST", "/createRoom", """{"room_version":"99"}""", 400, "M_UNSUPPORTED_ROOM_VERSION")]
    [InlineData("POST", "/createRoom", """{"power_level_content_override":{"users":{"@alice:test":100}}}""", 400, "M_INVALID_ROOM_STATE")]
    [InlineData("POST", "/createRoom", """{"name":5}""", 400, "M_BAD_JSON")]
    [InlineData("POST", "/createRoom", """{"creation_content":{"n":1.5}}""", 400, "M_BAD_JSON")]
    [InlineData("POST", "/createRoom", """{"creation_content":{"n":1,"n":2}}""", 400, "M_BAD_JSON")]
    [InlineData("POST", "/createRoom", """{"creation_content":{"n":"\ud800"}}""", 400, "M_BAD_JSON")]
    [InlineData("POST", "/createRoom", """{"creation_content":{"additional_creators":["nobody"]}}""", 400, "M_INVALID_ROOM_STATE")]
    [InlineData("POST", "/createRoom", """{"initial_state":[{"type":"m.room.power_levels","content":{"users":5}}]}""", 400, "M_INVALID_ROOM_STATE")]
    [InlineData("POST", "/createRoom", """{"invite":["nobody"]}""", 400, "M_INVALID_PARAM")]
    [InlineData("PUT", "/rooms/ROOM/state/m.room.power_levels", """{"users":{"@alice:test":100}}""", 403, "M_FORBIDDEN")]
    [InlineData("PUT", "/rooms/ROOM/send/m.room.message/9", """{"n":1,"n":2}""", 400, "M_BAD_JSON")]
    [InlineData("PUT", "/rooms/ROOM/state/m.room.member/@alice:test", """{"membership":"dancing"}""", 403, "M_FORBIDDEN")]
    [InlineData("GET", "/rooms/ROOM/messages", null, 400, "M_MISSING_PARAM")]
    [InlineData("GET", "/rooms/ROOM/messages?dir=x", null, 400, "M_INVALID_PARAM")]
    [InlineData("GET", "/rooms/ROOM/messages?dir=b&from=zzz", null, 400, "M_INVALID_PARAM")]
    [InlineData("GET", "/rooms/ROOM/messages?dir=b&limit=x", null, 400, "M_INVALID_PARAM")]
    [InlineData("GET", "/rooms/ROOM/messages?dir=b&filter=%7B", null, 400, "M_INVALID_PARAM")]
    [InlineData("GET", "/rooms/ROOM/context/$nothing", null, 404, "M_NOT_FOUND")]
    [InlineData("GET", "/rooms/ROOM/context/$nothing?limit=x", null, 400, "M_INVALID_PARAM")]
    [InlineData("GET", "/rooms/ROOM/members?membership=maybe", null, 400, "M_INVALID_PARAM")]
    [InlineData("GET", "/rooms/ROOM/state/m.room.none", null, 404, "M_NOT_FOUND")]
    [InlineData("GET", "/publicRooms?limit=x", null, 400, "M_INVALID_PARAM")]
    [InlineData("GET", "/publicRooms?since=x", null, 400, "M_INVALID_PARAM")]
    [InlineData("PUT", "/rooms/ROOM/typing/@bob:test", """{"typing":true}""", 403, "M_FORBIDDEN")]
    [InlineData("POST", "/rooms/ROOM/receipt/m.nonsense/$x", "{}", 400, "M_INVALID_PARAM")]
    [InlineData("POST", "/rooms/ROOM/receipt/m.fully_read/$x", """{"thread_id":"main"}""", 400, "M_INVALID_PARAM")]
    [InlineData("PUT", "/directory/room/%23elsewhere%3Aother", """{"room_id":"ROOM"}""", 400, "M_INVALID_PARAM")]
    [InlineData("PUT", "/directory/list/room/ROOM", """{"visibility":"maybe"}""", 400, "M_INVALID_PARAM")]
    [InlineData("GET", "/rooms/ROOM/nonsense", null, 404, "M_UNRECOGNIZED")]
    [InlineData("PATCH", "/rooms/ROOM/messages", null, 405, "M_UNRECOGNIZED")]
    public async Task A_bad_request_is_refused_with_the_error_of_the_specification(
        string method, string path, string? body, int status, string code)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();

        var answer = await server.SendAsync(
            new HttpMethod(method), V3 + path.Replace("ROOM", room), alice.Token, body?.Replace("ROOM", room));

        Assert.Equal((status, code), answer.Error);
    }

    [Fact]
    public async Task An_event_that_is_too_large_is_413()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();

        var large = await alice.PutAsync($"{V3}/rooms/{room}/send/m.room.message/1", $$"""{"body":"{{new string('x', 70_000)}}"}""");
        var larger = await alice.PutAsync($"{V3}/rooms/{room}/send/m.room.message/2", $$"""{"body":"{{new string('x', 2_000_000)}}"}""");

        Assert.Equal((413, "M_TOO_LARGE"), large.Error);
        Assert.Equal((413, "M_TOO_LARGE"), larger.Error);
    }

    private static async Task<List<string>> PageAllAsync(TestSession session, string room, string direction)
    {
        var ids = new List<string>();
        string? from = null;
        do
        {
            var page = await session.GetAsync($"{V3}/rooms/{room}/messages?dir={direction}&limit=7{(from is null ? "" : $"&from={from}")}");
            ids.AddRange(page["chunk"].EnumerateArray().Select(e => e.GetProperty("event_id").GetString()!));
            from = page.Json.TryGetProperty("end", out var end) ? end.GetString() : null;
        }
        while (from is not null);
        return ids;
    }
}
