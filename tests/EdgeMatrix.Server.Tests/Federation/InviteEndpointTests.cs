using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Federation.Sending;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Invites as other servers send them, to two, of whose users Carol is one.</summary>
public sealed class InviteEndpointTests : TwoServers
{
    private const string V3 = "/_matrix/client/v3";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_invite_is_signed_and_comes_back_as_it_was_else()
    {
        var (carol, invite, state) = await DraftAsync("12");
        var (status, answer) = await SendAsync("v2", invite, Body(invite, state, "12"));

        Assert.Equal(200, status);
        var signed = Pdu.Parse(Encoding.UTF8.GetBytes(answer.GetProperty("event").GetRawText()), invite.Version).Event!;
        Assert.Equal(invite.EventId, signed.EventId);
        Assert.Equal(["one", "two"], JsonElement.Parse(signed.Json.Span).GetProperty("signatures").EnumerateObject().Select(signer => signer.Name).Order());
        Assert.True((await carol.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").TryGetProperty(invite.RoomId, out _));

        // Once more is the same.
        Assert.Equal(200, (await SendAsync("v2", invite, Body(invite, state, "12"))).Status);
        await AssertSoundAsync();
    }

    [Fact]
    public async Task Stripped_state_will_do()
    {
        var (carol, invite, state) = await DraftAsync("12");
        var stripped = new JsonArray();
        foreach (var told in state)
        {
            stripped.Add(new JsonObject(
                ((string[])["type", "state_key", "sender", "content"]).Select(name => KeyValuePair.Create(name, told![name]?.DeepClone()))));
        }

        Assert.Equal(200, (await SendAsync("v2", invite, Body(invite, stripped, "12"))).Status);
        Assert.True((await carol.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").TryGetProperty(invite.RoomId, out _));
    }

    [Fact]
    public async Task The_older_endpoint_answers_a_list()
    {
        var (carol, invite, state) = await DraftAsync("2");
        var body = JsonNode.Parse(invite.Json.Span)!.AsObject();
        body["unsigned"] = new JsonObject { ["invite_room_state"] = state.DeepClone() };
        var (status, answer) = await SendAsync("v1", invite, body);

        Assert.Equal((200, 200), (status, answer[0].GetInt32()));
        Assert.True(answer[1].GetProperty("event").GetProperty("signatures").TryGetProperty("two", out _));
        Assert.True((await carol.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").TryGetProperty(invite.RoomId, out _));
    }

    [Fact]
    public async Task What_is_no_invite_of_a_user_of_that_server_for_one_of_this_is_not_signed()
    {
        var (carol, invite, state) = await DraftAsync("12");
        foreach (var (change, code) in ((Action<JsonObject>, string)[])
        [
            (body => body["room_version"] = "99", "M_INCOMPATIBLE_ROOM_VERSION"),
            (body => body["room_version"] = "1", "M_BAD_JSON"),
            (body => body.Remove("room_version"), "M_BAD_JSON"),
            (body => body.Remove("event"), "M_BAD_JSON"),
            (body => body["event"]!["content"]!["reason"] = "forged", "M_INVALID_PARAM"),
            (body => body["event"]!["signatures"] = new JsonObject(), "M_INVALID_PARAM"),
            (body => body.Remove("invite_room_state"), "M_INVALID_PARAM"),
            (body => ((JsonArray)body["invite_room_state"]!).Add(new JsonObject { ["signatures"] = new JsonObject() }), "M_INVALID_PARAM"),
            (body => body["invite_room_state"]![1]!["signatures"] = new JsonObject(), "M_INVALID_PARAM"),
            (body => ((JsonArray)body["invite_room_state"]!).RemoveAt(0), "M_INVALID_PARAM"),
        ])
        {
            var body = Body(invite, state, "12");
            change(body);
            var (status, answer) = await SendAsync("v2", invite, body);
            Assert.Equal((400, code), (status, answer.GetProperty("errcode").GetString()));
        }

        foreach (var draft in (EventDraft[])
        [
            new("m.room.member", "@carol:two", "@alice:one", JsonContent.Of("membership", "join")),
            new("m.room.message", null, "@alice:one", JsonContent.Of("membership", "invite")),
            new("m.room.member", "@carol:three", "@alice:one", JsonContent.Of("membership", "invite")),
            new("m.room.member", "@carol:two", "@alice:three", JsonContent.Of("membership", "invite")),
        ])
        {
            var other = Build(invite, draft);
            Assert.Equal(400, (await SendAsync("v2", other, Body(other, state, "12"))).Status);
        }

        Assert.False((await carol.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").TryGetProperty(invite.RoomId, out _));
    }

    [Fact]
    public async Task What_an_invite_tells_wrongly_of_a_room_keeps_nobody_out()
    {
        var (carol, alice) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("alice"));
        var roomId = await alice.CreateRoomAsync("""{"preset":"public_chat","room_version":"11"}""");
        var room = One.Part<RoomEngine>().Find(roomId)!;
        var draft = new EventDraft("m.room.member", "@carol:two", "@alice:one", JsonContent.Of("membership", "invite")) { Origin = "one" };
        var (links, _) = await One.Part<RoomEngine>().LinksAsync(room, draft, Cancelled);
        var one = One.Part<LocalServer>();
        var invite = EventBuilder.Build(draft, Protocol.RoomVersions.RoomVersions.V9, roomId, links!, 1, one.Key, one.Name).Event!;
        Assert.Equal(200, (await SendAsync("v2", invite, Body(invite, [new JsonObject { ["type"] = 5 }, "nothing"], "9"))).Status);

        Assert.Equal(HttpStatusCode.OK, (await carol.PostAsync($"{V3}/join/{roomId}", "{}")).Status);
        Assert.Equal("11", Two.Part<RoomEngine>().Find(roomId)!.Version.Id);
        Assert.Equal(await RemoteJoinTests.StateAsync(alice, roomId), await RemoteJoinTests.StateAsync(carol, roomId));
        await AssertSoundAsync();
    }

    [Fact]
    public async Task A_server_that_is_in_the_room_judges_an_invite_by_it()
    {
        var (carol, dora, alice) = (await Two.RegisterAsync("carol"), await Two.RegisterAsync("dora"), await One.RegisterAsync("alice"));
        var roomId = await alice.CreateRoomAsync();
        await carol.PostAsync($"{V3}/join/{roomId}?via=one", "{}");
        Assert.Equal(HttpStatusCode.OK, (await alice.PostAsync($"{V3}/rooms/{roomId}/invite", """{"user_id":"@dora:two"}""")).Status);

        var told = (await dora.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").GetProperty(roomId).GetProperty("invite_state").GetProperty("events");
        Assert.Contains(told.EnumerateArray(), e => e.GetProperty("type").GetString() == "m.room.create");
        Assert.Equal("invite", (await carol.GetAsync($"{V3}/rooms/{roomId}/state/m.room.member/@dora:two"))["membership"].GetString());
        Assert.Equal(HttpStatusCode.OK, (await dora.PostAsync($"{V3}/rooms/{roomId}/leave", "{}")).Status);
        await AssertSoundAsync();
    }

    [Fact]
    public async Task An_invite_is_taken_back_by_the_server_that_sent_it()
    {
        var (carol, alice) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("alice"));
        var roomId = await alice.CreateRoomAsync("""{"preset":"private_chat","invite":["@carol:two"]}""");
        var since = (await carol.GetAsync($"{V3}/sync"))["next_batch"].GetString();

        // What the servers would do by themselves is done here, one by one.
        One.Part<Outbox>().Stop();
        await alice.PostAsync($"{V3}/rooms/{roomId}/kick", """{"user_id":"@carol:two","reason":"sorry"}""");
        Pdu kick;
        using (var db = One.Part<Database>().OpenSnapshot())
        {
            var room = One.Part<RoomEngine>().Find(db, RoomTable.Find(db, roomId)!)!;
            kick = RoomStateReader.Find(db, room.Version, RoomTable.Find(db, roomId)!.State, "m.room.member", "@carol:two")!;
        }

        var ofOther = Build(kick, new EventDraft("m.room.member", "@carol:two", "@eve:three", JsonContent.Of("membership", "leave")));
        Assert.False(await Two.Part<RoomMembers>().EndFromOutsideAsync(ofOther));
        Assert.True(await Two.Part<RoomMembers>().EndFromOutsideAsync(kick));
        Assert.False(await Two.Part<RoomMembers>().EndFromOutsideAsync(kick));
        var left = (await carol.GetAsync($"{V3}/sync?since={since}"))["rooms"].GetProperty("leave").GetProperty(roomId);
        Assert.Equal(
            "sorry", left.GetProperty("timeline").GetProperty("events")[0].GetProperty("content").GetProperty("reason").GetString());
        await AssertSoundAsync();
    }

    [Fact]
    public async Task A_third_party_invite_becomes_an_invite_when_it_is_known_whom_it_was_for()
    {
        var (carol, bob) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("bob"));
        using var key = SigningKey.FromSeed("0", Enumerable.Repeat((byte)7, 32).ToArray());
        using var id = new TamperedServer(Two) { Replace = _ => TamperedServer.Answer(HttpStatusCode.OK, """{"valid":true}""") };
        Network.Join("id", id);
        var room = await carol.CreateRoomAsync("""{"preset":"private_chat"}""");
        foreach (var token in (string[])["first", "second"])
        {
            await carol.PutAsync(
                $"{V3}/rooms/{room}/state/m.room.third_party_invite/{token}",
                $$"""{"display_name":"bob@...","key_validity_url":"https://id/valid","public_key":"{{UnpaddedBase64.Encode(key.PublicKey)}}"}""");
        }

        Assert.Equal("M_FORBIDDEN", (await ExchangeAsync("third", "@bob:one"))?.Code);
        Assert.Equal("M_INVALID_PARAM", (await ExchangeAsync("first", "@carol:two"))?.Code);
        Assert.Equal("M_FORBIDDEN", (await ExchangeAsync("first", "@bob:one", SigningKey.FromSeed("0", new byte[32])))?.Code);
        Assert.Null(await ExchangeAsync("first", "@bob:one"));
        var member = await carol.GetAsync($"{V3}/rooms/{room}/state/m.room.member/@bob:one");
        Assert.Equal("bob@...", member["third_party_invite"].GetProperty("display_name").GetString());
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/rooms/{room}/leave", "{}")).Status);

        // Of an identity server, which one hands on to two.
        var bound = new JsonObject
        {
            ["medium"] = "email", ["address"] = "bob@example.org", ["mxid"] = "@bob:one",
            ["invites"] = new JsonArray(new JsonObject
            {
                ["medium"] = "email", ["address"] = "bob@example.org", ["mxid"] = "@bob:one", ["room_id"] = room, ["sender"] = "@carol:two",
                ["signed"] = Signed("second", "@bob:one", key),
            }),
        };
        Assert.Equal(
            HttpStatusCode.OK, (await One.SendAsync(HttpMethod.Put, "/_matrix/federation/v1/3pid/onbind", null, bound.ToJsonString())).Status);
        Assert.True((await bob.GetAsync($"{V3}/sync"))["rooms"].GetProperty("invite").TryGetProperty(room, out _));
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}", "{}")).Status);

        async Task<FederationFailure?> ExchangeAsync(string token, string userId, SigningKey? other = null)
        {
            var body = new JsonObject
            {
                ["type"] = "m.room.member", ["room_id"] = room, ["sender"] = "@carol:two", ["state_key"] = userId,
                ["content"] = new JsonObject
                {
                    ["membership"] = "invite",
                    ["third_party_invite"] = new JsonObject { ["display_name"] = "b", ["signed"] = Signed(token, userId, other ?? key) },
                },
            };
            var request = FederationRequest.Put(
                "two", $"/_matrix/federation/v1/exchange_third_party_invite/{room}", Encoding.UTF8.GetBytes(body.ToJsonString()));
            return (await Client.SendAsync(request, Cancelled)).Failure;
        }
    }

    private static JsonNode Signed(string token, string userId, SigningKey key) => JsonNode.Parse(SignedJson.Sign(
        JsonElement.Parse($$"""{"mxid":"{{userId}}","token":"{{token}}"}"""), "id", key))!;

    private static JsonObject Body(Pdu invite, JsonArray state, string version) => new()
    {
        ["event"] = JsonNode.Parse(invite.Json.Span), ["room_version"] = version, ["invite_room_state"] = state.DeepClone(),
    };

    private Pdu Build(Pdu like, EventDraft draft)
    {
        var one = One.Part<LocalServer>();
        var links = new EventLinks(
            [.. like.PrevEvents.Select(id => new EventReference(id, null))], [.. like.AuthEvents.Select(id => new EventReference(id, null))], like.Depth);
        return EventBuilder.Build(draft, like.Version, like.RoomId, links, 1, one.Key, one.Name).Event!;
    }

    /// <summary>An invite of Carol to a room of Alice, as one would send it.</summary>
    private async Task<(TestSession Carol, Pdu Invite, JsonArray State)> DraftAsync(string version)
    {
        var (carol, alice) = (await Two.RegisterAsync("carol"), await One.RegisterAsync("alice"));
        var roomId = await alice.CreateRoomAsync($$"""{"name":"Den","room_version":"{{version}}"}""");
        await One.WritesSettledAsync();
        var engine = One.Part<RoomEngine>();
        var room = engine.Find(roomId)!;
        var draft = new EventDraft("m.room.member", "@carol:two", "@alice:one", JsonContent.Of("membership", "invite"));
        var invite = (await engine.BuildAsync(room, _ => draft, Cancelled)).Value!;
        using var db = One.Part<Database>().OpenSnapshot();
        var state = new JsonArray();
        foreach (var type in (string[])["m.room.create", "m.room.name", "m.room.join_rules"])
        {
            state.Add(JsonNode.Parse(RoomStateReader.FindStored(db, RoomTable.Find(db, roomId)!.State, type, "")!.Json));
        }

        return (carol, invite, state);
    }

    /// <summary>Has one send an invite by hand.</summary>
    private async Task<(int Status, JsonElement Answer)> SendAsync(string endpoint, Pdu invite, JsonObject body)
    {
        var (target, content) = ($"/_matrix/federation/{endpoint}/invite/{invite.RoomId}/{invite.EventId}", body.ToJsonString());
        using var request = new HttpRequestMessage(HttpMethod.Put, target) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(content)) };
        request.Headers.TryAddWithoutValidation("Authorization", Authorize(target, method: "PUT", content: content));
        using var response = await Two.Http.SendAsync(request, Cancelled);
        return ((int)response.StatusCode, JsonElement.Parse(await response.Content.ReadAsStringAsync(Cancelled)));
    }
}
