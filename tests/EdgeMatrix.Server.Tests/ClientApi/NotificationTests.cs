using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class NotificationTests
{
    private const string V3 = "/_matrix/client/v3";
    private const string Rules = V3 + "/pushrules/global";

    private int _transactions;

    [Fact]
    public async Task Messages_of_others_count_until_they_are_read()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await MeetAsync(server);
        await SendAsync(alice, room, """{"msgtype":"m.text","body":"one"}""");
        var second = await SendAsync(alice, room, """{"msgtype":"m.text","body":"two"}""");

        Assert.Equal((2, 0), await UnreadAsync(bob, room));
        Assert.Equal((0, 0), await UnreadAsync(alice, room));

        await SendAsync(alice, room, """{"msgtype":"m.text","body":"three"}""");
        await bob.PostAsync($"{V3}/rooms/{room}/receipt/m.read.private/{second}", "{}");
        Assert.Equal((1, 0), await UnreadAsync(bob, room));

        await using var again = await server.RestartAsync();
        Assert.Equal((1, 0), await UnreadAsync(bob with { Server = again }, room));
    }

    [Fact]
    public async Task Who_joins_is_told_of_a_message_that_is_written_with_the_join()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");
        var room = await alice.CreateRoomAsync();
        await WriteTogetherAsync(
            server, room, Membership(bob.UserId, "join"), new EventDraft("m.room.message", null, alice.UserId, JsonContent.Of("body", "welcome")));
        Assert.Equal((1, 0), await UnreadAsync(bob, room));
    }

    [Fact]
    public async Task Who_leaves_is_not_told_of_a_message_that_is_written_with_the_leave()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await MeetAsync(server);
        var carol = await server.RegisterAsync("carol");
        await carol.PostAsync($"{V3}/join/{room}", "{}");
        await SendAsync(alice, room, """{"msgtype":"m.text","body":"one"}""");
        await WriteTogetherAsync(
            server, room, Membership(bob.UserId, "leave"), new EventDraft("m.room.message", null, alice.UserId, JsonContent.Of("body", "gone")));
        Assert.Equal((2, 0), await UnreadAsync(carol, room));
        var database = server.Part<Database>();
        using var snapshot = database.OpenSnapshot();
        Assert.Equal(
            0, UnreadTable.Of(snapshot, server.Part<RoomEngine>().Find(room)!.Nid, UserTable.Find(snapshot, bob.UserId)!.Value).Notifications);
    }

    private static EventDraft Membership(string user, string membership) =>
        new("m.room.member", user, user, JsonContent.Of("membership", membership));

    /// <summary>Sends events so that the database writes them in one group.</summary>
    private static async Task WriteTogetherAsync(TestHomeserver server, string room, params EventDraft[] drafts)
    {
        var engine = server.Part<RoomEngine>();
        using var held = new HeldWriter(engine.Database);

        // Each is in the writer's queue when the call returns.
        var sent = drafts.Select(draft => engine.SendAsync(engine.Find(room)!, draft, null, default)).ToList();
        held.Release();
        Assert.All(await Task.WhenAll(sent), outcome => Assert.Null(outcome.Refusal));
    }

    [Fact]
    public async Task Who_writes_has_read_what_was_before_in_the_same_thread()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await MeetAsync(server);
        var root = await SendAsync(alice, room, """{"msgtype":"m.text","body":"root"}""");
        var inThread = $$$"""{"msgtype":"m.text","body":"in it","m.relates_to":{"rel_type":"m.thread","event_id":"{{{root}}}"}}""";
        await SendAsync(alice, room, inThread);

        await SendAsync(bob, room, inThread);
        Assert.Equal((1, 0), await UnreadAsync(bob, room));
        await SendAsync(bob, room, """{"msgtype":"m.text","body":"in the room"}""");
        Assert.Equal((0, 0), await UnreadAsync(bob, room));
    }

    [Fact]
    public async Task A_noisy_room_takes_nothing_from_a_quiet_one()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, quiet) = await MeetAsync(server);
        await SendAsync(alice, quiet, """{"msgtype":"m.text","body":"bob","m.mentions":{"user_ids":["@bob:test"]}}""");
        var noisy = await alice.CreateRoomAsync();
        await bob.PostAsync($"{V3}/join/{noisy}", "{}");
        for (var i = 0; i < 1_010; i++)
        {
            await SendAsync(alice, noisy, """{"msgtype":"m.text","body":"and another"}""");
        }

        await server.UpkeepAsync(TimeSpan.FromDays(1));
        Assert.Equal((1_000, 0), await UnreadAsync(bob, noisy));
        Assert.Equal((1, 1), await UnreadAsync(bob, quiet));
    }

    [Fact]
    public async Task Patterns_and_rules_are_limited()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var pattern = new string('a', 256);
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.PutAsync($"{Rules}/content/x", $$"""{"actions":[],"pattern":"{{pattern}}"}""")).Error);
        var condition = $$"""{"kind":"event_match","key":"content.body","pattern":"{{pattern}}"}""";
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.PutAsync($"{Rules}/override/x", $$"""{"actions":[],"conditions":[{{condition}}]}""")).Error);
        var many = string.Join(',', Enumerable.Repeat("""{"kind":"contains_display_name"}""", 500));
        Assert.Equal((413, "M_TOO_LARGE"), (await alice.PutAsync($"{Rules}/override/x", $$"""{"actions":[],"conditions":[{{many}}]}""")).Error);
    }

    [Fact]
    public async Task A_receipt_is_news_of_the_counts_even_where_receipts_are_filtered_out()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await MeetAsync(server);
        var message = await SendAsync(alice, room, """{"msgtype":"m.text","body":"one"}""");
        const string Filter = """{"room":{"ephemeral":{"not_types":["*"]}}}""";
        var first = await bob.GetAsync($"{V3}/sync?filter={Uri.EscapeDataString(Filter)}");

        await bob.PostAsync($"{V3}/rooms/{room}/receipt/m.read/{message}", "{}");
        var next = await bob.GetAsync($"{V3}/sync?filter={Uri.EscapeDataString(Filter)}&since={first["next_batch"].GetString()}");

        Assert.Equal((0, 0), Counts(next["rooms"].GetProperty("join").GetProperty(room).GetProperty("unread_notifications")));
    }

    [Theory]
    [InlineData("""{"msgtype":"m.text","body":"hi","m.mentions":{"user_ids":["@bob:test"]}}""", 1, 1)]
    [InlineData("""{"msgtype":"m.text","body":"hi","m.mentions":{"user_ids":["@carol:test"]}}""", 1, 0)]
    [InlineData("""{"msgtype":"m.text","body":"@room hi","m.mentions":{"room":true}}""", 1, 1)]
    [InlineData("""{"msgtype":"m.text","body":"hi bob"}""", 1, 0)]
    [InlineData("""{"msgtype":"m.notice","body":"beep"}""", 0, 0)]
    [InlineData("""{"msgtype":"m.text","body":"* x","m.new_content":{"msgtype":"m.text","body":"x"},"m.relates_to":{"rel_type":"m.replace","event_id":"$x"}}""", 0, 0)]
    public async Task The_predefined_rules_tell_what_counts(string content, int notifications, int highlights)
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await MeetAsync(server);
        await SendAsync(alice, room, content);
        Assert.Equal((notifications, highlights), await UnreadAsync(bob, room));
    }

    [Fact]
    public async Task Who_has_not_the_power_notifies_nobody_of_the_room()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await MeetAsync(server);
        await SendAsync(bob, room, """{"msgtype":"m.text","body":"@room","m.mentions":{"room":true}}""");
        Assert.Equal((1, 0), await UnreadAsync(alice, room));
    }

    [Theory]
    [InlineData("content/tea", """{"actions":["notify",{"set_tweak":"highlight"}],"pattern":"te?"}""", 1, 1)]
    [InlineData("content/tea", """{"actions":["dont_notify"],"pattern":"tea"}""", 0, 0)]
    [InlineData("sender/@alice:test", """{"actions":[]}""", 0, 0)]
    [InlineData("override/many", """{"actions":[],"conditions":[{"kind":"room_member_count","is":">=2"}]}""", 0, 0)]
    [InlineData("override/few", """{"actions":[],"conditions":[{"kind":"room_member_count","is":"<2"}]}""", 1, 0)]
    [InlineData("override/odd", """{"actions":[],"conditions":[{"kind":"of_the_future"}]}""", 1, 0)]
    [InlineData("override/is", """{"actions":[],"conditions":[{"kind":"event_property_is","key":"content.a\\.b","value":3}]}""", 0, 0)]
    [InlineData("override/is", """{"actions":[],"conditions":[{"kind":"event_property_is","key":"content.a\\.b","value":"3"}]}""", 1, 0)]
    [InlineData("override/has", """{"actions":[],"conditions":[{"kind":"event_property_contains","key":"content.list","value":null}]}""", 0, 0)]
    [InlineData("override/type", """{"actions":[],"conditions":[{"kind":"event_match","key":"type","pattern":"M.ROOM.*"}]}""", 0, 0)]
    [InlineData("override/name", """{"actions":["notify",{"set_tweak":"highlight"}],"conditions":[{"kind":"contains_display_name"}]}""", 1, 1)]
    public async Task Rules_of_the_user_come_before_what_is_predefined(string rule, string body, int notifications, int highlights)
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await MeetAsync(server);
        await bob.PutAsync($"{V3}/profile/{bob.UserId}/displayname", """{"displayname":"Bobby"}""");
        Assert.Equal("{}", (await bob.PutAsync($"{Rules}/{Uri.EscapeDataString(rule).Replace("%2F", "/")}", body)).Body);
        await SendAsync(alice, room, """{"msgtype":"m.text","body":"some tea, bobby?","a.b":3,"list":["x",null]}""");
        Assert.Equal((notifications, highlights), await UnreadAsync(bob, room));
    }

    [Fact]
    public async Task Rules_of_a_room_and_ignored_users_are_heeded_as_soon_as_they_are_set()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await MeetAsync(server);
        await SendAsync(alice, room, """{"msgtype":"m.text","body":"one"}""");
        await bob.PutAsync($"{Rules}/room/{Uri.EscapeDataString(room)}", """{"actions":[]}""");
        await SendAsync(alice, room, """{"msgtype":"m.text","body":"two"}""");
        Assert.Equal((1, 0), await UnreadAsync(bob, room));

        await bob.DeleteAsync($"{Rules}/room/{Uri.EscapeDataString(room)}");
        await bob.PutAsync($"{V3}/user/{bob.UserId}/account_data/m.ignored_user_list", """{"ignored_users":{"@alice:test":{}}}""");
        await SendAsync(alice, room, """{"msgtype":"m.text","body":"three"}""");
        Assert.Equal((1, 0), await UnreadAsync(bob, room));
    }

    [Fact]
    public async Task Threads_are_counted_and_read_apart()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await MeetAsync(server);
        var root = await SendAsync(alice, room, """{"msgtype":"m.text","body":"root"}""");
        var reply = await SendAsync(
            alice, room, $$$"""{"msgtype":"m.text","body":"in it","m.relates_to":{"rel_type":"m.thread","event_id":"{{{root}}}"}}""");
        await SendAsync(
            alice, room, $$$"""{"msgtype":"m.text","body":"of it","m.relates_to":{"rel_type":"m.reference","event_id":"{{{reply}}}"}}""");
        const string Filter = """{"room":{"timeline":{"unread_thread_notifications":true}}}""";

        var apart = (await bob.GetAsync($"{V3}/sync?filter={Uri.EscapeDataString(Filter)}"))["rooms"].GetProperty("join").GetProperty(room);
        Assert.Equal((3, 0), await UnreadAsync(bob, room));
        Assert.Equal((1, 0), Counts(apart.GetProperty("unread_notifications")));
        Assert.Equal((2, 0), Counts(apart.GetProperty("unread_thread_notifications").GetProperty(root)));

        await bob.PostAsync($"{V3}/rooms/{room}/receipt/m.read/{reply}", $$"""{"thread_id":"{{root}}"}""");
        Assert.Equal((2, 0), await UnreadAsync(bob, room));
        await bob.PostAsync($"{V3}/rooms/{room}/receipt/m.read/{root}", """{"thread_id":"main"}""");
        Assert.Equal((1, 0), await UnreadAsync(bob, room));
    }

    [Fact]
    public async Task What_is_redacted_counts_no_more()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await MeetAsync(server);
        var message = await SendAsync(alice, room, """{"msgtype":"m.text","body":"oops"}""");
        await alice.PutAsync($"{V3}/rooms/{room}/redact/{message}/r", "{}");
        Assert.Equal((0, 0), await UnreadAsync(bob, room));
    }

    [Fact]
    public async Task Who_joins_again_has_nothing_unread()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await MeetAsync(server);
        await SendAsync(alice, room, """{"msgtype":"m.text","body":"one"}""");
        await bob.PostAsync($"{V3}/rooms/{room}/leave", "{}");
        await SendAsync(alice, room, """{"msgtype":"m.text","body":"two"}""");
        await bob.PostAsync($"{V3}/join/{room}", "{}");
        Assert.Equal((0, 0), await UnreadAsync(bob, room));
    }

    [Fact]
    public async Task Notifications_are_listed_page_by_page_the_newest_first()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob, room) = await MeetAsync(server);
        var first = await SendAsync(alice, room, """{"msgtype":"m.text","body":"one"}""");
        await SendAsync(alice, room, """{"msgtype":"m.text","body":"bob","m.mentions":{"user_ids":["@bob:test"]}}""");
        await bob.PostAsync($"{V3}/rooms/{room}/receipt/m.read/{first}", "{}");
        var invited = await alice.CreateRoomAsync("""{"invite":["@bob:test"]}""");

        var page = await bob.GetAsync($"{V3}/notifications?limit=2");
        var rest = await bob.GetAsync($"{V3}/notifications?from={page["next_token"].GetString()}");
        var highlights = await bob.GetAsync($"{V3}/notifications?only=highlight");

        var listed = page["notifications"].EnumerateArray().ToList();
        Assert.Equal([invited, room], listed.Select(n => n.GetProperty("room_id").GetString()));
        Assert.Equal("m.room.member", listed[0].GetProperty("event").GetProperty("type").GetString());
        Assert.Equal("""["notify",{"set_tweak":"sound","value":"default"},{"set_tweak":"highlight"}]""", listed[1].GetProperty("actions").GetRawText());
        Assert.False(listed[1].GetProperty("read").GetBoolean());
        var last = Assert.Single(rest["notifications"].EnumerateArray());
        Assert.True(last.GetProperty("read").GetBoolean());
        Assert.Equal(first, last.GetProperty("event").GetProperty("event_id").GetString());
        Assert.False(rest.Json.TryGetProperty("next_token", out _));
        Assert.Single(highlights["notifications"].EnumerateArray());
        Assert.Equal((400, "M_INVALID_PARAM"), (await bob.GetAsync($"{V3}/notifications?from=x")).Error);
    }

    private static async Task<(TestSession Alice, TestSession Bob, string Room)> MeetAsync(TestHomeserver server)
    {
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync();
        await bob.PostAsync($"{V3}/join/{room}", "{}");
        return (alice, bob, room);
    }

    private async Task<string> SendAsync(TestSession session, string room, string content) =>
        (await session.PutAsync($"{V3}/rooms/{room}/send/m.room.message/t{_transactions++}", content))["event_id"].GetString()!;

    private static async Task<(int Notifications, int Highlights)> UnreadAsync(TestSession session, string room) =>
        Counts((await session.GetAsync($"{V3}/sync"))["rooms"].GetProperty("join").GetProperty(room).GetProperty("unread_notifications"));

    private static (int Notifications, int Highlights) Counts(JsonElement counts) =>
        (counts.GetProperty("notification_count").GetInt32(), counts.GetProperty("highlight_count").GetInt32());
}
