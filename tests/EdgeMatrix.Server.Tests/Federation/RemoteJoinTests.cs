using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Joins of rooms that the server of the user is not in.</summary>
public sealed class RemoteJoinTests : TwoServers
{
    private const string V3 = "/_matrix/client/v3";

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    [InlineData("3")]
    [InlineData("6")]
    [InlineData("10")]
    [InlineData("11")]
    [InlineData("12")]
    public async Task A_room_is_joined_by_its_alias_and_is_the_same_on_both_servers(string version)
    {
        var carol = await Two.RegisterAsync("carol");
        var room = await carol.CreateRoomAsync(
            $$"""{"preset":"public_chat","room_alias_name":"hall","name":"Hall","room_version":"{{version}}"}""");
        await carol.SendTextAsync(room, "before", "1");
        var bob = await One.RegisterAsync("bob");
        var since = (await bob.GetAsync($"{V3}/sync"))["next_batch"].GetString();

        var joined = await bob.PostAsync($"{V3}/join/%23hall:two", "{}");
        Assert.Equal(HttpStatusCode.OK, joined.Status);
        Assert.Equal(room, joined["room_id"].GetString());

        Assert.Equal(await StateAsync(carol, room), await StateAsync(bob, room));
        Assert.Equal(["@bob:one", "@carol:two"], await MembersAsync(carol, room));
        var sync = await bob.GetAsync($"{V3}/sync?since={since}");
        var told = sync["rooms"].GetProperty("join").GetProperty(room);
        Assert.Equal(2, told.GetProperty("summary").GetProperty("m.joined_member_count").GetInt32());
        Assert.Contains(told.GetProperty("state").GetProperty("events").EnumerateArray(), e => e.GetProperty("type").GetString() == "m.room.name");

        // Who comes next comes by way of nobody.
        Network.Link("one", "two").Cut();
        var dan = await One.RegisterAsync("dan");
        Assert.Equal(HttpStatusCode.OK, (await dan.PostAsync($"{V3}/join/{room}", "{}")).Status);
        await dan.SendTextAsync(room, "hello", "1");
    }

    [Theory]
    [InlineData("11")]
    [InlineData("12")]
    public async Task A_room_is_entered_in_whatever_order_its_events_are_told(string version)
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync($$"""{"preset":"public_chat","name":"Hall","room_version":"{{version}}"}""");
        Network.Join("two", new TamperedServer(Two)
        {
            Change = (path, body) =>
            {
                foreach (var name in path.Contains("send_join", StringComparison.Ordinal) ? (string[])["state", "auth_chain"] : [])
                {
                    body[name] = new JsonArray([.. ((JsonArray)body[name]!).Select(pdu => pdu!.DeepClone()).Reverse()]);
                }
            },
        });

        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Status);
        Assert.Equal(await StateAsync(carol, room), await StateAsync(bob, room));
    }

    [Fact]
    public async Task A_room_is_joined_by_its_id_by_way_of_a_server_that_the_client_names()
    {
        var carol = await Two.RegisterAsync("carol");
        var room = await carol.CreateRoomAsync();
        var bob = await One.RegisterAsync("bob");

        Assert.Equal((404, "M_NOT_FOUND"), (await bob.PostAsync($"{V3}/join/{room}", "{}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await bob.PostAsync($"{V3}/join/{room}?via=not%20a%20name", "{}")).Error);
        Assert.Equal((502, "M_UNKNOWN"), (await bob.PostAsync($"{V3}/join/{room}?via=nowhere", "{}")).Error);
        var joined = await bob.PostAsync($"{V3}/join/{room}?via=nowhere&via=two", """{"reason":"curious","org.example":1}""");
        Assert.Equal(HttpStatusCode.OK, joined.Status);

        var member = await carol.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@bob:one");
        Assert.Equal("curious", member["reason"].GetString());
        Assert.Equal(1, member["org.example"].GetInt32());
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/rooms/{room}/join?via=two", "{}")).Status);
        Assert.Equal("curious", (await carol.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@bob:one"))["reason"].GetString());
    }

    [Fact]
    public async Task Of_several_users_who_join_at_once_one_enters_and_the_others_follow()
    {
        var carol = await Two.RegisterAsync("carol");
        var room = await carol.CreateRoomAsync();
        var users = new List<TestSession>();
        for (var n = 0; n < 5; n++)
        {
            users.Add(await One.RegisterAsync($"user{n}"));
        }

        var two = new TamperedServer(Two);
        Network.Join("two", two);
        var joined = await Task.WhenAll(users.Append(users[0]).Select(user => user.PostAsync($"{V3}/join/{room}?via=two", "{}")));
        Assert.All(joined, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(1, two.Asked("/send_join/"));
        Assert.Equal(6, (await RemoteJoinTests.MembersAsync(users[4], room)).Count);
        await AssertSoundAsync();
    }

    [Fact]
    public async Task A_room_that_was_left_is_entered_again_as_it_is_now()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync();
        await bob.PostAsync($"{V3}/join/{room}?via=two", "{}");
        await bob.PostAsync($"{V3}/rooms/{room}/leave", "{}");
        await TellAsync(One, Two, room);
        await carol.PutAsync($"{V3}/rooms/{room}/state/m.room.topic", """{"topic":"new"}""");
        await carol.PutAsync($"{V3}/rooms/{room}/state/m.room.name", """{"name":"new"}""");
        var since = (await bob.GetAsync($"{V3}/sync"))["next_batch"].GetString();

        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}", "{}")).Status);
        Assert.Equal(await StateAsync(carol, room), await StateAsync(bob, room));
        Assert.Equal(["@bob:one", "@carol:two"], await MembersAsync(bob, room));
        var told = (await bob.GetAsync($"{V3}/sync?since={since}"))["rooms"].GetProperty("join").GetProperty(room);
        Assert.Contains(told.GetProperty("state").GetProperty("events").EnumerateArray(), e => e.GetProperty("type").GetString() == "m.room.topic");
        await AssertSoundAsync();
    }

    [Fact]
    public async Task A_restricted_room_is_joined_with_the_signature_of_who_lets_the_user_in()
    {
        var (carol, bob, erin) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"), await One.RegisterAsync("erin"));
        var hall = await carol.CreateRoomAsync();
        var room = await RestrictedAsync(carol, hall);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Error);

        await bob.PostAsync($"{V3}/join/{hall}?via=two", "{}");
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Status);
        Assert.Equal(
            "@carol:two",
            (await bob.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@bob:one"))["join_authorised_via_users_server"].GetString());
        Assert.Equal(await StateAsync(carol, room), await StateAsync(bob, room));

        // Nobody of one may invite, so that two is asked again.
        await erin.PostAsync($"{V3}/join/{hall}", "{}");
        await TellAsync(One, Two, hall);
        Assert.Equal(HttpStatusCode.OK, (await erin.PostAsync($"{V3}/join/{room}", "{}")).Status);
        Assert.Equal(["@bob:one", "@carol:two", "@erin:one"], await MembersAsync(carol, room));
        Assert.Equal(await StateAsync(carol, room), await StateAsync(erin, room));
        await AssertSoundAsync();
    }

    [Fact]
    public async Task A_server_that_cannot_tell_who_may_come_in_or_let_them_in_says_so()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var unknown = await RestrictedAsync(carol, "!elsewhere:three");
        Assert.Equal((400, "M_UNABLE_TO_AUTHORISE_JOIN"), (await bob.PostAsync($"{V3}/join/{unknown}?via=two", "{}")).Error);

        var hall = await carol.CreateRoomAsync();
        await bob.PostAsync($"{V3}/join/{hall}?via=two", "{}");
        var room = await RestrictedAsync(carol, hall, "11");
        await carol.PutAsync(
            $"{V3}/rooms/{room}/state/m.room.power_levels", """{"users":{"@carol:two":60},"invite":70,"state_default":50}""");
        Assert.Equal((400, "M_UNABLE_TO_GRANT_JOIN"), (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Error);
    }

    [Fact]
    public async Task Who_is_banned_or_whose_server_is_denied_does_not_come_in()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var (banned, denied, closed) = (await carol.CreateRoomAsync(), await carol.CreateRoomAsync(), await carol.CreateRoomAsync("{}"));
        await carol.PostAsync($"{V3}/rooms/{banned}/ban", """{"user_id":"@bob:one"}""");
        await carol.PutAsync($"{V3}/rooms/{denied}/state/m.room.server_acl", """{"allow":["*"],"deny":["one"]}""");
        foreach (var room in (string[])[banned, denied, closed])
        {
            Assert.Equal((403, "M_FORBIDDEN"), (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Error);
        }
    }

    [Fact]
    public async Task A_room_of_a_version_that_the_joining_server_does_not_know_is_not_joined()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync();
        var asked = await AskAsync($"/_matrix/federation/v1/make_join/{room}/@bob:one?ver=1&ver=2");
        Assert.Equal((400, "M_INCOMPATIBLE_ROOM_VERSION"), (asked.Failure!.Status, asked.Failure.Code));
        Assert.Equal("12", asked.Failure.Json!.Value.GetProperty("room_version").GetString());

        var two = new TamperedServer(Two)
        {
            Replace = path => path.Contains("make_join", StringComparison.Ordinal)
                ? TamperedServer.Answer(HttpStatusCode.BadRequest, """{"errcode":"M_INCOMPATIBLE_ROOM_VERSION","error":"new","room_version":"99"}""")
                : null,
        };
        Network.Join("two", two);
        var answer = await bob.PostAsync($"{V3}/join/{room}?via=two", "{}");
        Assert.Equal((400, "M_INCOMPATIBLE_ROOM_VERSION"), answer.Error);
        Assert.Equal("99", answer["room_version"].GetString());
    }

    [Fact]
    public async Task A_resident_that_proposes_something_else_than_was_asked_for_gets_no_signature()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync("""{"preset":"public_chat","room_version":"11"}""");
        var two = new TamperedServer(Two);
        Network.Join("two", two);
        Action<JsonObject>[] changes =
        [
            proposed => proposed["sender"] = "@erin:one",
            proposed => proposed["state_key"] = "@carol:two",
            proposed => proposed["room_id"] = "!other:two",
            proposed => proposed["type"] = "m.room.message",
            proposed => proposed["content"]!["membership"] = "leave",
            proposed => proposed["prev_events"] = new JsonArray(),
            proposed => proposed["depth"] = "deep",
            proposed => proposed["auth_events"] = new JsonArray([.. Enumerable.Range(0, 30).Select(n => JsonValue.Create($"${n}"))]),
        ];
        foreach (var change in changes)
        {
            two.Change = (path, body) =>
            {
                if (body["event"] is JsonObject proposed)
                {
                    change(proposed);
                }
            };
            Assert.Equal((502, "M_UNKNOWN"), (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Error);
        }

        Assert.Equal(0, two.Asked("/send_join/"));
    }

    [Fact]
    public async Task A_resident_that_tells_what_does_not_hold_is_not_believed()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var other = await carol.CreateRoomAsync("""{"preset":"public_chat","room_version":"11"}""");
        var others = (await StateOfTwoAsync(other)).Select(pdu => pdu.ToJsonString()).ToList();
        var two = new TamperedServer(Two);
        Network.Join("two", two);
        Action<JsonObject>[] changes =
        [
            answer => answer["state"] = new JsonArray(),
            answer => (answer["auth_chain"], answer["state"]) = (new JsonArray(), new JsonArray()),
            answer => answer["state"] = "all",
            answer => answer["state"] = new JsonArray([.. others.Select(pdu => JsonNode.Parse(pdu))]),
            answer => ((JsonArray)answer["state"]!).Add(Find(answer, "m.room.join_rules").DeepClone()),
            answer => Forge(answer, Find(answer, "m.room.create"), "room_version", "12"),
            answer => Forge(answer, Find(answer, "m.room.power_levels"), "ban", 0),
            answer => Break(answer, Find(answer, "m.room.join_rules")),
            answer => Break(answer, Find(answer, "m.room.create")),
            answer => answer["padding"] = new string('x', 4 << 20),
        ];
        foreach (var (number, change) in changes.Index())
        {
            var room = await carol.CreateRoomAsync("""{"preset":"public_chat","room_version":"11"}""");
            two.Change = (path, body) =>
            {
                if (path.Contains("send_join", StringComparison.Ordinal))
                {
                    change(body);
                }
            };
            Assert.Equal((number, (502, "M_UNKNOWN")), (number, (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Error));
            Assert.Empty((await bob.GetAsync($"{V3}/joined_rooms"))["joined_rooms"].EnumerateArray());
        }

        two.Change = null;
        await AssertSoundAsync();
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{other}?via=two", "{}")).Status);

        // What is forged and nobody needs is left out.
        var last = await carol.CreateRoomAsync("""{"preset":"public_chat","room_version":"11","topic":"t"}""");
        two.Change = (path, body) =>
        {
            if (path.Contains("send_join", StringComparison.Ordinal))
            {
                Break(body, Find(body, "m.room.topic"));
            }
            else if (path.Contains("/v1/state/", StringComparison.Ordinal))
            {
                ForEach(body, Find(body, "m.room.topic", "pdus"), found => found["origin_server_ts"] = 5, "pdus");
            }
        };
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{last}?via=two", "{}")).Status);
        Assert.Equal((404, "M_NOT_FOUND"), (await bob.GetAsync($"{V3}/rooms/{last}/state/m.room.topic")).Error);
        await AssertSoundAsync();
    }

    [Fact]
    public async Task A_resident_that_tells_events_without_end_is_not_listened_to()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        var room = await carol.CreateRoomAsync();
        var two = new TamperedServer(Two)
        {
            Replace = path => path.Contains("send_join", StringComparison.Ordinal)
                ? TamperedServer.Answer(HttpStatusCode.OK, $$"""{"state":[{}{{string.Concat(Enumerable.Repeat(",{}", 1_000_001))}}],"auth_chain":[]}""")
                : null,
        };
        Network.Join("two", two);
        Assert.Equal((502, "M_UNKNOWN"), (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Error);
    }

    [Fact]
    public async Task A_join_is_not_taken_that_is_not_what_it_should_be()
    {
        var carol = await Two.RegisterAsync("carol");
        var room = await carol.CreateRoomAsync();
        var template = (await AskAsync($"/_matrix/federation/v1/make_join/{room}/@bob:one?ver=12")).Json!.Value;
        Assert.Equal("two", template.GetProperty("event").GetProperty("origin").GetString());
        Assert.Equal("M_FORBIDDEN", (await AskAsync($"/_matrix/federation/v1/make_join/{room}/@carol:two?ver=12")).Failure?.Code);
        Assert.Equal("M_NOT_FOUND", (await AskAsync("/_matrix/federation/v1/make_join/!no:two/@bob:one?ver=12")).Failure?.Code);
        Assert.Equal((400, "M_INVALID_PARAM"), await SendJoinAsync(room, "@bob:one", "leave"));
        Assert.Equal((400, "M_INVALID_PARAM"), await SendJoinAsync(room, "@dora:three", "join"));
        Assert.Equal((400, "M_INVALID_PARAM"), await SendJoinAsync(room, "@bob:one", "join", signAs: "@carol:two"));
        Assert.Equal(["@carol:two"], await MembersAsync(carol, room));
        Assert.Equal((200, null), await SendJoinAsync(room, "@bob:one", "join"));

        async Task<(int, string?)> SendJoinAsync(string roomId, string userId, string membership, string? signAs = null)
        {
            var one = One.Part<LocalServer>();
            var at = EventTemplate.Read(template, roomId, "@bob:one", "join", out _)!;
            var draft = new EventDraft("m.room.member", userId, userId, JsonContent.Of("membership", membership));
            var built = EventBuilder.Build(
                draft, at.Version, roomId, at.Links, 1, signAs is null ? one.Key : SigningKey.FromSeed("x", new byte[32]), one.Name).Event!;
            var target = $"/_matrix/federation/v2/send_join/{roomId}/{built.EventId}";
            var content = Encoding.UTF8.GetString(built.Json.Span);
            return await SendByHandAsync(target, Authorize(target, method: "PUT", content: content), "PUT", content);
        }
    }

    [Fact]
    public async Task Members_are_left_out_for_who_asks_for_that()
    {
        var carol = await Two.RegisterAsync("carol");
        var room = await carol.CreateRoomAsync();
        var dora = await Two.RegisterAsync("dora");
        await dora.PostAsync($"{V3}/join/{room}", "{}");
        foreach (var named in (bool[])[false, true])
        {
            if (named)
            {
                await carol.PutAsync($"{V3}/rooms/{room}/state/m.room.name", """{"name":"Hall"}""");
            }

            var answer = await SendJoinAsync(named ? "@bob:one" : "@bea:one");
            Assert.True(answer.GetProperty("members_omitted").GetBoolean());
            Assert.Contains("two", answer.GetProperty("servers_in_room").EnumerateArray().Select(name => name.GetString()));
            var state = answer.GetProperty("state").EnumerateArray().ToList();
            Assert.Equal(!named, state.Exists(pdu => pdu.GetProperty("type").GetString() == "m.room.member"));
            Assert.Contains(state, pdu => pdu.GetProperty("type").GetString() == "m.room.create");

            // What allows the state comes with it, once.
            var ids = state.Concat(answer.GetProperty("auth_chain").EnumerateArray())
                .Select(pdu => Pdu.Parse(Encoding.UTF8.GetBytes(pdu.GetRawText()), RoomVersions.V12).Event!).ToList();
            Assert.Equal(ids.Count, ids.DistinctBy(pdu => pdu.EventId).Count());
            Assert.All(ids.SelectMany(pdu => pdu.AuthEvents), cited => Assert.Contains(ids, pdu => pdu.EventId == cited));
        }

        async Task<JsonElement> SendJoinAsync(string userId)
        {
            var one = One.Part<LocalServer>();
            var template = (await AskAsync($"/_matrix/federation/v1/make_join/{room}/{userId}?ver=12")).Json!.Value;
            var at = EventTemplate.Read(template, room, userId, "join", out _)!;
            var join = EventBuilder.Build(at.Draft, at.Version, room, at.Links, 1, one.Key, one.Name).Event!;
            var request = FederationRequest.Put("two", $"/_matrix/federation/v2/send_join/{room}/{join.EventId}?omit_members=true", join.Json);
            return (await Client.SendAsync(request, default)).Json!.Value;
        }
    }

    private static JsonObject Find(JsonObject answer, string type, string state = "state") =>
        (JsonObject)((JsonArray)answer[state]!).First(pdu => pdu!["type"]!.GetValue<string>() == type)!;

    /// <summary>Changes what an event says wherever it stands: its hash, or its signature, holds no more.</summary>
    private static void Forge(JsonObject answer, JsonObject pdu, string name, JsonNode value) => ForEach(answer, pdu, found => found["content"]![name] = value.DeepClone());

    /// <summary>Makes the signatures of an event wrong wherever it stands.</summary>
    private static void Break(JsonObject answer, JsonObject pdu) => ForEach(answer, pdu, found => found["origin_server_ts"] = 5);

    private static void ForEach(JsonObject answer, JsonObject pdu, Action<JsonObject> change, string state = "state")
    {
        var text = pdu.ToJsonString();
        foreach (var list in (string[])[state, "auth_chain"])
        {
            foreach (var same in ((JsonArray)answer[list]!).OfType<JsonObject>().Where(other => other.ToJsonString() == text).ToList())
            {
                change(same);
            }
        }
    }

    private async Task<List<JsonNode>> StateOfTwoAsync(string room)
    {
        await Two.WritesSettledAsync();
        using var db = Two.Part<Database>().OpenSnapshot();
        var state = new List<JsonNode>();
        RoomStateReader.ForEach(db, RoomTable.Find(db, room)!.State, stored => state.Add(JsonNode.Parse(stored.Json)!));
        return state;
    }

    private static async Task<string> RestrictedAsync(TestSession user, string allowed, string version = "12") => await user.CreateRoomAsync(
        $$$"""
        {"preset":"private_chat","room_version":"{{{version}}}","power_level_content_override":{"invite":50},"initial_state":[{"type":"m.room.join_rules","content":
        {"join_rule":"restricted","allow":[{"type":"m.room_membership","room_id":"{{{allowed}}}"}]}}]}
        """);

    /// <summary>Hands over what one server has of a room to another, as its outbox would.</summary>
    internal static async Task TellAsync(TestHomeserver from, TestHomeserver to, string roomId)
    {
        await from.WritesSettledAsync();
        var (source, target) = (from.Part<RoomEngine>().Find(roomId)!, to.Part<RoomEngine>().Find(roomId)!);
        List<Pdu> events;
        using (var db = from.Part<Database>().OpenSnapshot())
        {
            events = [.. EventTable.Forward(db, source.Nid, long.MinValue, long.MaxValue, 1_000).Select(stored => stored.Parse(source.Version))];
        }

        // Of what was before it came in, the other server may not know what that followed.
        Assert.NotNull((await to.Part<RoomEngine>().ReceiveAsync(target, events, default))[^1].Outcome);
    }

    internal static async Task<SortedDictionary<string, string>> StateAsync(TestSession user, string room)
    {
        var state = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var pdu in (await user.GetAsync($"{V3}/rooms/{room}/state")).Json.EnumerateArray())
        {
            state[$"{pdu.GetProperty("type").GetString()} {pdu.GetProperty("state_key").GetString()}"] = pdu.GetProperty("event_id").GetString()!;
        }

        return state;
    }

    internal static async Task<List<string>> MembersAsync(TestSession user, string room) =>
        [.. (await user.GetAsync($"{V3}/rooms/{room}/joined_members"))["joined"].EnumerateObject().Select(member => member.Name).Order()];
}
