using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Configuration;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>What another server tells of typing, reading and presence, and its users' messages to devices.</summary>
public sealed class IncomingEduTests : RoomOfTwo
{
    protected override HomeserverOptions ChangeTwo(HomeserverOptions options) =>
        options with { Presence = new PresenceOptions { Enabled = true } };

    [Fact]
    public async Task A_user_of_another_server_types_until_it_says_otherwise_or_nothing_for_a_minute()
    {
        var (carol, room) = await MeetAsync();
        var since = await NextAsync(carol);

        await TellAsync("m.typing", Typing(room, BobId, true));
        Assert.Equal([BobId], TypingIn(await SyncAsync(carol, since), room));
        await TellAsync("m.typing", Typing(room, BobId, false));
        Assert.Equal([], TypingIn(await SyncAsync(carol, since), room));

        await TellAsync("m.typing", Typing(room, BobId, true));
        since = await NextAsync(carol, since);
        Two.Time.Advance(IncomingTyping.Holds);
        Assert.Equal([], TypingIn(await SyncAsync(carol, since), room));
    }

    [Fact]
    public async Task Nobody_types_for_others_nor_where_they_are_not()
    {
        var (carol, room) = await MeetAsync();
        var other = await carol.CreateRoomAsync();
        var since = await NextAsync(carol);

        await TellAsync("m.typing", Typing(room, carol.UserId, true));
        await TellAsync("m.typing", Typing(room, BobId, true), origin: "three");
        await TellAsync("m.typing", Typing(room, "@eve:one", true));
        await TellAsync("m.typing", Typing(other, BobId, true));
        await TellAsync("m.typing", Typing("!none:two", BobId, true));
        await TellAsync("m.typing", $$"""{"room_id":"{{room}}","user_id":"{{BobId}}","typing":"yes"}""");
        await TellAsync("m.typing", "[]");

        Assert.Null(TypingIn(await SyncAsync(carol, since), room));
        Assert.Equal((7, 7), CountsOf("m.typing"));
    }

    [Fact]
    public async Task A_server_that_the_room_denies_tells_nothing_of_it()
    {
        var (carol, room) = await MeetAsync();
        var said = await carol.SendTextAsync(room, "hello", "1");
        await carol.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.server_acl", """{"allow":["*"],"deny":["one"]}""");
        var since = await NextAsync(carol);

        await TellAsync("m.typing", Typing(room, BobId, true));
        await TellAsync("m.receipt", Receipt(room, BobId, said));

        Assert.Equal("", Ephemeral(await SyncAsync(carol, since), room));
        Assert.Equal((1, 1), CountsOf("m.receipt"));
    }

    [Fact]
    public async Task What_was_read_elsewhere_is_shown_by_thread_and_moves_forward_only()
    {
        var (carol, room) = await MeetAsync();
        var first = await carol.SendTextAsync(room, "one", "1");
        var second = await carol.SendTextAsync(room, "two", "2");
        var since = await NextAsync(carol);

        await TellAsync("m.receipt", Receipt(room, BobId, second));
        await TellAsync("m.receipt", Receipt(room, BobId, first));
        await TellAsync("m.receipt", Receipt(room, BobId, first, ",\"thread_id\":\"main\""));
        await TellAsync("m.receipt", Receipt(room, BobId, second, ",\"thread_id\":\"$nowhere\""));
        await TellAsync("m.receipt", Receipt(room, BobId, second, ",\"thread_id\":7"));
        await TellAsync("m.receipt", Receipt(room, carol.UserId, second));
        await TellAsync("m.receipt", $$"""{"{{room}}":{"m.read.private":{"{{BobId}}":{"event_ids":["{{second}}"],"data":{"ts":1} } } } }""");

        var content = Ephemeral(await SyncAsync(carol, since), room);
        Assert.Contains($$$"""{"{{{second}}}":{"m.read":{"@bob:one":{"ts":1700000000000}""" + "}}}", content);
        Assert.Contains($$$"""{"{{{first}}}":{"m.read":{"@bob:one":{"thread_id":"main","ts":1700000000000}""" + "}}}", content);
        Assert.DoesNotContain("nowhere", content);
        Assert.DoesNotContain("carol", content);
    }

    [Fact]
    public async Task The_newer_receipt_counts_where_the_events_stand_the_other_way_round_on_the_server_of_its_user()
    {
        var (carol, room) = await MeetAsync();
        var first = await carol.SendTextAsync(room, "one", "1");
        var second = await carol.SendTextAsync(room, "two", "2");
        var since = await NextAsync(carol);

        await TellAsync("m.receipt", Receipt(room, BobId, second));
        await TellAsync("m.receipt", Receipt(room, BobId, first, ts: 1_700_000_000_001));

        Assert.Contains($$$"""{"{{{first}}}":{"m.read":{"@bob:one":{"ts":1700000000001}""" + "}}}", Ephemeral(await SyncAsync(carol, since), room));
    }

    [Fact]
    public async Task A_receipt_that_is_quicker_than_its_event_waits_for_it()
    {
        var (carol, room) = await MeetAsync();
        var since = await NextAsync(carol);
        var pdu = await BuildAsync(room, new EventDraft("m.room.message", null, BobId, JsonContent.Of("body", "from bob")));

        await TellAsync("m.receipt", Receipt(room, BobId, pdu.EventId));
        Assert.Equal("", Ephemeral(await SyncAsync(carol, since), room));
        await ReceiveAsync(room, pdu);
        await Two.WritesSettledAsync();

        Assert.Contains($$"""{"{{pdu.EventId}}":{"m.read":{"@bob:one":""", Ephemeral(await SyncAsync(carol, since), room));
    }

    [Fact]
    public async Task A_receipt_waits_for_its_event_also_where_others_told_of_that_already()
    {
        var (carol, room) = await MeetAsync();
        var since = await NextAsync(carol);
        var pdu = await BuildAsync(room, new EventDraft("m.room.message", null, BobId, JsonContent.Of("body", "from bob")));
        var engine = Two.Part<RoomEngine>();
        await engine.StoreOutliersAsync(engine.Find(room)!, [pdu], TestContext.Current.CancellationToken);

        await TellAsync("m.receipt", Receipt(room, BobId, pdu.EventId));
        Assert.Equal("", Ephemeral(await SyncAsync(carol, since), room));
        await ReceiveAsync(room, pdu);
        await Two.WritesSettledAsync();

        Assert.Contains($$"""{"{{pdu.EventId}}":{"m.read":{"@bob:one":""", Ephemeral(await SyncAsync(carol, since), room));
    }

    [Fact]
    public async Task A_receipt_that_is_quicker_than_its_user_waits_for_its_event()
    {
        var carol = await Two.RegisterAsync("carol", "CAROL");
        var room = await carol.CreateRoomAsync();
        var since = await NextAsync(carol);
        var join = await BuildAsync(room, new EventDraft("m.room.member", BobId, BobId, JsonContent.Of("membership", "join")));

        await TellAsync("m.receipt", Receipt(room, BobId, join.EventId));
        await TellAsync("m.receipt", Receipt(room, "@eve:one", join.EventId));
        await ReceiveAsync(room, join);
        await Two.WritesSettledAsync();

        var content = Ephemeral(await SyncAsync(carol, since), room);
        Assert.Contains($$"""{"{{join.EventId}}":{"m.read":{"@bob:one":""", content);
        Assert.DoesNotContain("eve", content);
    }

    [Fact]
    public async Task A_receipt_of_what_was_long_here_waits_for_its_user()
    {
        var carol = await Two.RegisterAsync("carol", "CAROL");
        var room = await carol.CreateRoomAsync();
        var said = await carol.SendTextAsync(room, "hello", "1");
        var since = await NextAsync(carol);

        await TellAsync("m.receipt", Receipt(room, BobId, said));
        Assert.Equal("", Ephemeral(await SyncAsync(carol, since), room));
        await MoveAsync(room, "join");
        await Two.WritesSettledAsync();

        Assert.Contains($$"""{"{{said}}":{"m.read":{"@bob:one":""", Ephemeral(await SyncAsync(carol, since), room));
    }

    [Fact]
    public async Task Messages_to_devices_arrive_once_also_over_a_restart()
    {
        var (carol, _) = await MeetAsync();
        var phone = await Two.LogInAsync("carol", "PHONE");

        await TellAsync("m.direct_to_device", Message("1", "CAROL"));
        await TellAsync("m.direct_to_device", Message("1", "CAROL"));
        await RestartTwoAsync();
        await TellAsync("m.direct_to_device", Message("1", "CAROL"));
        await TellAsync("m.direct_to_device", Message("2", "*"));
        await TellAsync("m.direct_to_device", Message("1", "CAROL", "@eve:three"), origin: "three");

        Assert.Equal(["1 @bob:one", "2 @bob:one", "1 @eve:three"], await InboxAsync(carol with { Server = Two }));
        Assert.Equal(["2 @bob:one"], await InboxAsync(phone with { Server = Two }));
    }

    [Fact]
    public async Task Messages_of_others_and_those_without_a_form_or_too_large_are_not_taken()
    {
        var (carol, _) = await MeetAsync();

        await TellAsync("m.direct_to_device", Message("1", "CAROL", carol.UserId));
        await TellAsync("m.direct_to_device", Message("1", "CAROL", "@eve:three"));
        await TellAsync("m.direct_to_device", Message(new string('x', 300), "CAROL"));
        await TellAsync("m.direct_to_device", """{"sender":"@bob:one","type":"m.x","message_id":"3","messages":[]}""");
        Assert.Equal((4, 4), CountsOf("m.direct_to_device"));
        await TellAsync("m.direct_to_device", Message("5", "NOBODY"));
        await TellAsync(
            "m.direct_to_device",
            $$"""{"sender":"@bob:one","type":"m.x","message_id":"6","messages":{"@carol:two":{"CAROL":{"n":"{{new string('x', ToDeviceMessages.MaxBytes)}}"},"X":7},"@d:two":3} }""");

        Assert.Equal([], await InboxAsync(carol));
        Assert.Equal((6, 4), CountsOf("m.direct_to_device"));
    }

    [Fact]
    public async Task How_users_of_other_servers_are_is_shown_to_those_who_share_a_room_and_ends_when_nothing_more_is_said()
    {
        var (carol, room) = await MeetAsync();
        var dave = await Two.RegisterAsync("dave");
        var (since, daves) = (await NextAsync(carol), await NextAsync(dave));

        await TellAsync(
            "m.presence",
            """
            {"push":[{"user_id":"@bob:one","presence":"online","status_msg":"here","last_active_ago":5000,"currently_active":true},
            {"user_id":"@carol:two","presence":"unavailable"},{"user_id":"@eve:one","presence":"online"},{"user_id":"@bob:one","presence":"away"},7]}
            """);

        var shown = (await SyncAsync(carol, since))["presence"].GetProperty("events").EnumerateArray().Single(e => e.GetProperty("sender").GetString() == BobId);
        Assert.Equal("online", shown.GetProperty("content").GetProperty("presence").GetString());
        Assert.Equal("here", shown.GetProperty("content").GetProperty("status_msg").GetString());
        Assert.Equal(5000, shown.GetProperty("content").GetProperty("last_active_ago").GetInt64());
        Assert.True(shown.GetProperty("content").GetProperty("currently_active").GetBoolean());
        Assert.DoesNotContain("@eve:one", (await SyncAsync(carol, since)).Body);
        Assert.DoesNotContain("\"unavailable\"", (await SyncAsync(carol, since)).Body);
        Assert.DoesNotContain(BobId, (await SyncAsync(dave, daves)).Body);

        since = await NextAsync(carol, since);
        Two.Time.Advance(TimeSpan.FromMinutes(31));
        var later = (await SyncAsync(carol, since))["presence"].GetProperty("events").EnumerateArray();
        Assert.Contains(later, e => e.GetProperty("sender").GetString() == BobId && e.GetProperty("content").GetProperty("presence").GetString() == "offline");
    }

    [Fact]
    public async Task What_nobody_knows_is_counted()
    {
        await TellAsync("m.unheard_of", "{}");
        await Two.Part<IncomingEdus>().ReceiveAsync("one", JsonElement.Parse("7"), default);
        await Two.Part<IncomingEdus>().ReceiveAsync("one", JsonElement.Parse("""{"edu_type":"m.typing"}"""), default);

        Assert.Equal(2, Two.Part<IncomingEdus>().Unknown);
        Assert.Equal((1, 1), CountsOf("m.typing"));
    }

    private static string Typing(string room, string user, bool typing) =>
        $$"""{"room_id":"{{room}}","user_id":"{{user}}","typing":{{(typing ? "true" : "false")}}}""";

    private static string Receipt(string room, string user, string @event, string more = "", long ts = 1_700_000_000_000) =>
        $$$"""{"{{{room}}}":{"m.read":{"{{{user}}}":{"event_ids":["{{{@event}}}"],"data":{"ts":{{{ts}}}{{{more}}} } } } } }""";

    private static string Message(string id, string device, string sender = BobId) =>
        $$$"""{"sender":"{{{sender}}}","type":"m.x","message_id":"{{{id}}}","messages":{"@carol:two":{"{{{device}}}":{"n":"{{{id}}}"} } } }""";

    private static async Task<List<string>> InboxAsync(TestSession user) =>
        (await SyncAsync(user)).Json.TryGetProperty("to_device", out var inbox)
            ? [.. inbox.GetProperty("events").EnumerateArray().Select(e => $"{e.GetProperty("content").GetProperty("n")} {e.GetProperty("sender")}")]
            : [];

    private static string Ephemeral(TestAnswer sync, string room) =>
        sync["rooms"].TryGetProperty("join", out var joined) && joined.TryGetProperty(room, out var news) && news.TryGetProperty("ephemeral", out var ephemeral)
            ? string.Concat(ephemeral.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("content").GetRawText()))
            : "";

    private static List<string?>? TypingIn(TestAnswer sync, string room)
    {
        var content = Ephemeral(sync, room);
        return content.Length == 0 ? null : [.. JsonElement.Parse(content).GetProperty("user_ids").EnumerateArray().Select(id => id.GetString())];
    }
}
