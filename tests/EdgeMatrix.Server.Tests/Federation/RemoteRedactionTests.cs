using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Redactions that another server sends.</summary>
public sealed class RemoteRedactionTests : RoomOfTwo
{
    private const string V3 = "/_matrix/client/v3";

    [Fact]
    public async Task One_that_has_no_effect_is_not_shown_and_one_that_has_is_named()
    {
        var (carol, room) = await MeetAsync();
        var (mine, his) = (await carol.SendTextAsync(room, "mine", "1"), await SayAsync(room, "his"));
        var other = await carol.SendTextAsync(await carol.CreateRoomAsync(), "elsewhere", "2");
        var since = await NextAsync(carol);

        foreach (var target in (string[])[mine, other, "$nowhere"])
        {
            await ReceiveAsync(room, await BuildAsync(room, Redaction(target)));
        }

        var applied = await BuildAsync(room, Redaction(his));
        await ReceiveAsync(room, applied);

        Assert.Equal([applied.EventId], Ids((await SyncAsync(carol, since))["rooms"].GetProperty("join").GetProperty(room)));
        Assert.Equal("mine", (await EventAsync(carol, room, mine)).GetProperty("content").GetProperty("body").GetString());
        var redacted = (await EventAsync(carol, room, his)).GetProperty("unsigned");
        Assert.Equal(applied.EventId, redacted.GetProperty("redacted_by").GetString());
        Assert.Equal(applied.EventId, redacted.GetProperty("redacted_because").GetProperty("event_id").GetString());
    }

    [Fact]
    public async Task Where_ids_are_chosen_events_that_redact_themselves_or_each_other_can_be_read()
    {
        var carol = await Two.RegisterAsync("carol", "CAROL");
        var room = await carol.CreateRoomAsync("""{"preset":"public_chat","room_version":"1","power_level_content_override":{"redact":0}}""");
        await MoveAsync(room, "join");
        var since = await NextAsync(carol);

        foreach (var (id, target) in ((string, string)[])[("$self:one", "$self:one"), ("$first:one", "$second:one"), ("$second:one", "$first:one")])
        {
            await ReceiveAsync(room, await ChosenAsync(room, id, target));
        }

        var sync = await SyncAsync(carol, since);
        Assert.Equal(["$self:one", "$first:one", "$second:one"], Ids(sync["rooms"].GetProperty("join").GetProperty(room)));
        Assert.False((await EventAsync(carol, room, "$self:one")).GetProperty("unsigned").TryGetProperty("redacted_because", out _));
        var because = (await EventAsync(carol, room, "$first:one")).GetProperty("unsigned").GetProperty("redacted_because");
        Assert.False(because.GetProperty("unsigned").TryGetProperty("redacted_because", out _));
    }

    private async Task<string> SayAsync(string room, string text)
    {
        var said = await BuildAsync(room, new EventDraft("m.room.message", null, BobId, JsonContent.Of("body", text)));
        await ReceiveAsync(room, said);
        return said.EventId;
    }

    private static EventDraft Redaction(string target) => new("m.room.redaction", null, BobId, JsonContent.Object(_ => { })) { Redacts = target };

    /// <summary>A redaction with an id that somebody chose.</summary>
    private async Task<Pdu> ChosenAsync(string roomId, string id, string target)
    {
        var version = Two.Part<RoomEngine>().Find(roomId)!.Version;
        var json = JsonNode.Parse((await BuildAsync(roomId, Redaction(target))).Json.Span)!.AsObject();
        json["event_id"] = id;
        json["signatures"] = new JsonObject();
        json.Remove("hashes");
        json["hashes"] = new JsonObject { ["sha256"] = Protocol.UnpaddedBase64.Encode(EventHashes.ContentHash(JsonElement.Parse(json.ToJsonString()), version)) };
        var one = One.Part<LocalServer>();
        return EventSignatures.Add(Pdu.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), version).Event!, one.Name, one.Key);
    }

    private static async Task<JsonElement> EventAsync(TestSession user, string room, string eventId) =>
        JsonElement.Parse((await user.GetAsync($"{V3}/rooms/{room}/event/{Uri.EscapeDataString(eventId)}")).Body);

    private static IEnumerable<string> Ids(JsonElement room) =>
        room.GetProperty("timeline").GetProperty("events").EnumerateArray().Select(told => told.GetProperty("event_id").GetString()!);
}
