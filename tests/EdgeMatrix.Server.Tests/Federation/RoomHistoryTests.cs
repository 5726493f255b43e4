using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>What a server is told of the past of a room that it is in.</summary>
public sealed class RoomHistoryTests : TwoServers
{
    private const string V1 = "/_matrix/federation/v1";
    private const string Bob = "@bob:one";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_event_is_told_to_servers_that_are_in_its_room()
    {
        var (carol, room) = await RoomAsync();
        var said = await carol.SendTextAsync(room, "hello", "1");
        Assert.Equal("M_FORBIDDEN", (await AskAsync($"{V1}/event/{said}")).Failure?.Code);

        await JoinAsync(room);
        var answer = (await AskAsync($"{V1}/event/{said}")).Json!.Value;
        Assert.Equal("two", answer.GetProperty("origin").GetString());
        Assert.Equal([said], Ids(answer, "pdus", room));
        Assert.Equal("M_NOT_FOUND", (await AskAsync($"{V1}/event/$nothing")).Failure?.Code);
    }

    [Fact]
    public async Task The_state_before_an_event_comes_with_what_allows_it()
    {
        var (carol, room) = await RoomAsync();
        await JoinAsync(room);
        var first = await TopicAsync(carol, room, "first");
        var second = await TopicAsync(carol, room, "second");

        var ids = (await AskAsync($"{V1}/state_ids/{room}?event_id={second}")).Json!.Value;
        var state = ids.GetProperty("pdu_ids").EnumerateArray().Select(id => id.GetString()).ToList();
        Assert.Contains(first, state);
        Assert.DoesNotContain(second, state);
        var whole = (await AskAsync($"{V1}/state/{room}?event_id={second}")).Json!.Value;
        Assert.Equal(state.Order(), Ids(whole, "pdus", room).Order());
        Assert.Equal(
            ids.GetProperty("auth_chain_ids").EnumerateArray().Select(id => id.GetString()), Ids(whole, "auth_chain", room));

        var chain = Ids((await AskAsync($"{V1}/event_auth/{room}/{second}")).Json!.Value, "auth_chain", room);
        Assert.NotEmpty(chain);
        Assert.Subset(chain.ToHashSet(), Pdus(whole, "pdus", room).Single(pdu => pdu.EventId == first).AuthEvents.ToHashSet());
        Assert.Equal("M_MISSING_PARAM", (await AskAsync($"{V1}/state/{room}")).Failure?.Code);
        Assert.Equal("M_NOT_FOUND", (await AskAsync($"{V1}/state/{room}?event_id=$nothing")).Failure?.Code);
    }

    [Fact]
    public async Task What_is_before_events_and_between_them_comes_in_its_order()
    {
        var (carol, room) = await RoomAsync();
        await JoinAsync(room);
        var said = new List<string>();
        for (var n = 0; n < 6; n++)
        {
            said.Add(await carol.SendTextAsync(room, $"{n}", $"{n}"));
        }

        var earlier = (await AskAsync($"{V1}/backfill/{room}?limit=3&v={said[4]}")).Json!.Value;
        Assert.Equal([said[4], said[3], said[2]], Ids(earlier, "pdus", room));

        var between = (await AskAsync(
            $"{V1}/get_missing_events/{room}",
            $$"""{"latest_events":["{{said[5]}}"],"earliest_events":["{{said[1]}}"],"limit":10,"min_depth":0}""")).Json!.Value;
        Assert.Equal([said[2], said[3], said[4]], Ids(between, "events", room));

        var all = (await AskAsync($"{V1}/backfill/{room}?limit=100&v={said[5]}")).Json!.Value;
        Assert.Equal("m.room.create", Pdus(all, "pdus", room)[^1].Type);
        Assert.Equal("M_MISSING_PARAM", (await AskAsync($"{V1}/backfill/{room}?v={said[5]}")).Failure?.Code);
        Assert.Equal("M_MISSING_PARAM", (await AskAsync($"{V1}/backfill/{room}?limit=3")).Failure?.Code);
        Assert.Equal(
            "M_BAD_JSON", (await AskAsync($"{V1}/get_missing_events/{room}", """{"latest_events":"all"}""")).Failure?.Code);
    }

    [Fact]
    public async Task What_was_said_before_a_server_came_is_redacted_where_the_room_keeps_it_from_newcomers()
    {
        var (carol, room) = await RoomAsync();
        await carol.PutAsync(
            $"/_matrix/client/v3/rooms/{room}/state/m.room.history_visibility", """{"history_visibility":"joined"}""");
        await carol.SendTextAsync(room, "among us", "1");
        await JoinAsync(room);
        var after = await carol.SendTextAsync(room, "to all", "2");

        var answer = (await AskAsync($"{V1}/backfill/{room}?limit=3&v={after}")).Json!.Value;
        var texts = Pdus(answer, "pdus", room).Where(pdu => pdu.Type == "m.room.message").Select(pdu => JsonContent.Text(pdu.Content, "body"));
        Assert.Equal(["to all", null], texts);
    }

    [Fact]
    public async Task A_server_that_the_room_denies_is_told_nothing()
    {
        var (carol, room) = await RoomAsync();
        await JoinAsync(room);
        var said = await carol.SendTextAsync(room, "hello", "1");
        await carol.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.server_acl", """{"allow":["*"],"deny":["one"]}""");
        foreach (var target in (string[])[$"event/{said}", $"state/{room}?event_id={said}", $"backfill/{room}?limit=1&v={said}"])
        {
            Assert.Equal("M_FORBIDDEN", (await AskAsync($"{V1}/{target}")).Failure?.Code);
        }
    }

    private async Task<(TestSession Carol, string Room)> RoomAsync()
    {
        var carol = await Two.RegisterAsync("carol");
        return (carol, await carol.CreateRoomAsync());
    }

    private static async Task<string> TopicAsync(TestSession user, string room, string topic) =>
        (await user.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.topic", $$"""{"topic":"{{topic}}"}"""))["event_id"].GetString()!;

    /// <summary>Has Bob of one join the room of two.</summary>
    private async Task JoinAsync(string roomId)
    {
        var engine = Two.Part<RoomEngine>();
        var room = engine.Find(roomId)!;
        var draft = new EventDraft("m.room.member", Bob, Bob, JsonContent.Of("membership", "join"));
        var (links, refusal) = await engine.LinksAsync(room, draft, Cancelled);
        Assert.Null(refusal);
        var one = One.Part<LocalServer>();
        var join = EventBuilder.Build(draft, room.Version, room.Id, links!, Two.Time.GetUtcNow().ToUnixTimeMilliseconds(), one.Key, one.Name).Event!;
        Assert.Equal(ReceiptOutcome.Accepted, Assert.Single(await engine.ReceiveAsync(room, [join], Cancelled)).Outcome);
    }

    private List<Pdu> Pdus(JsonElement answer, string name, string room) =>
        [.. answer.GetProperty(name).EnumerateArray()
            .Select(pdu => Pdu.Parse(Encoding.UTF8.GetBytes(pdu.GetRawText()), Two.Part<RoomEngine>().Find(room)!.Version).Event!)];

    private List<string> Ids(JsonElement answer, string name, string room) => [.. Pdus(answer, name, room).Select(pdu => pdu.EventId)];
}
