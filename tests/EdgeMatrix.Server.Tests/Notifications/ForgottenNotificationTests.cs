using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Purging;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Notifications;

/// <summary>What becomes of notifications when their events go, or are many.</summary>
public sealed class ForgottenNotificationTests : IAsyncLifetime
{
    private const string V3 = "/_matrix/client/v3";
    private const string Apart = """{"room":{"timeline":{"limit":1,"unread_thread_notifications":true}}}""";

    private TestHomeserver _server = null!;
    private TestSession _alice = null!;
    private TestSession _bob = null!;
    private string _room = null!;
    private int _transactions;

    public async ValueTask InitializeAsync()
    {
        _server = await TestHomeserver.StartAsync();
        (_alice, _bob) = (await _server.RegisterAsync("alice"), await _server.RegisterAsync("bob"));
        _room = await _alice.CreateRoomAsync();
        await _bob.PostAsync($"{V3}/join/{_room}", "{}");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task What_is_deleted_counts_no_more()
    {
        await SayAsync("one");
        var second = await SayAsync("two");
        await SayAsync("three");

        await DeleteUpToAsync(second);

        Assert.Equal("1", await UnreadAsync());
        Assert.Equal(["three"], await ListAsync());
    }

    [Fact]
    public async Task A_thread_whose_root_is_deleted_is_of_the_main_timeline_and_read_with_it()
    {
        var root = await SayAsync("root");
        await SayAsync("early", root);
        var main = await SayAsync("main");
        await SayAsync("late", root);
        var last = await SayAsync("last", root);
        await _bob.PostAsync($"{V3}/rooms/{_room}/receipt/m.read/{main}", """{"thread_id":"main"}""");
        Assert.Equal("0, in threads 3", await UnreadAsync());

        await DeleteUpToAsync(root);

        // The main timeline was read to behind the first of the three.
        Assert.Equal("2", await UnreadAsync());
        await _bob.PostAsync($"{V3}/rooms/{_room}/receipt/m.read.private/{last}", """{"thread_id":"main"}""");
        Assert.Equal("0", await UnreadAsync());
    }

    [Fact]
    public async Task Of_each_user_the_newest_of_a_room_are_kept()
    {
        var old = new OldNotifications(_server.Part<Database>(), kept: 3);
        var carol = await _server.RegisterAsync("carol");
        await carol.PostAsync($"{V3}/join/{_room}", "{}");
        await carol.PutAsync($"{V3}/pushrules/global/room/{Uri.EscapeDataString(_room)}", """{"actions":[]}""");
        await SayAsync("carol", mention: "@carol:test");
        for (var n = 0; n < 5; n++)
        {
            await SayAsync($"{n}");
        }

        while (await old.SliceAsync())
        {
        }

        Assert.Equal("3", await UnreadAsync());
        Assert.Equal(["4", "3", "2"], await ListAsync());
        Assert.Equal(["carol"], (await carol.GetAsync($"{V3}/notifications"))["notifications"].EnumerateArray().Select(Body));
    }

    [Fact]
    public async Task A_page_of_the_list_looks_at_so_many_events_and_the_next_goes_on()
    {
        var database = _server.Part<Database>();
        var (room, bob) = (_server.Part<RoomEngine>().Find(_room)!.Nid, 0L);
        await SayAsync("bob", mention: "@bob:test");
        await database.WriteAsync(db =>
        {
            bob = UserTable.Find(db, "@bob:test")!.Value;
            var notifications = new RoomNotifications(db, room);
            for (var n = 0; n < UserNotifications.MaxLookedAt; n++)
            {
                notifications.Add(db.NextPosition(), UnreadTable.MainTimeline, [new Notified(bob + 1, false)]);
            }
        });

        using var snapshot = database.OpenSnapshot();
        var (rows, next) = UserNotifications.Backward(snapshot, bob, long.MaxValue, true, 20);
        Assert.Empty(rows);
        (rows, next) = UserNotifications.Backward(snapshot, bob, next!.Value, true, 20);
        Assert.Single(rows);
        Assert.Null(next);
    }

    [Fact]
    public async Task Who_gives_up_their_account_leaves_counts_that_are_right()
    {
        var first = await SayAsync("one");
        await _bob.PostAsync($"{V3}/rooms/{_room}/receipt/m.read/{first}", "{}");
        await SayAsync("two");

        var given = await _bob.PostAsync(
            $"{V3}/account/deactivate",
            """{"auth":{"type":"m.login.password","identifier":{"type":"m.id.user","user":"bob"},"password":"secret"},"erase":true}""");

        Assert.Equal(200, (int)given.Status);
        using var snapshot = _server.Part<Database>().OpenSnapshot();
        Assert.Empty(DatabaseCheck.Findings(snapshot));
        Assert.Equal((0, 0), UnreadTable.OfUser(snapshot, UserTable.Find(snapshot, "@bob:test")!.Value));
    }

    [Fact]
    public async Task A_room_that_is_deleted_takes_its_notifications_along()
    {
        await SayAsync("one");
        await _server.Part<RoomPurge>().DeleteAsync(_server.Part<RoomEngine>().Find(_room)!, atOnce: true, default);
        Assert.Empty(await ListAsync());

        while (await _server.Part<RoomPurge>().SliceAsync(default))
        {
        }

        using var snapshot = _server.Part<Database>().OpenSnapshot();
        foreach (var table in (string[])["notified", "unread", "read_to"])
        {
            using var query = snapshot.Prepare($"SELECT 1 FROM {table}");
            Assert.False(query.Step());
        }
    }

    private async Task<string> SayAsync(string body, string? thread = null, string? mention = null)
    {
        var relation = thread is null ? "" : $$$""","m.relates_to":{"rel_type":"m.thread","event_id":"{{{thread}}}"}""";
        var mentions = mention is null ? "" : $"\"{mention}\"";
        return (await _alice.PutAsync(
            $"{V3}/rooms/{_room}/send/m.room.message/t{_transactions++}",
            $$$"""{"msgtype":"m.text","body":"{{{body}}}","m.mentions":{"user_ids":[{{{mentions}}}]}{{{relation}}}}"""))["event_id"].GetString()!;
    }

    private async Task DeleteUpToAsync(string eventId)
    {
        long upTo;
        using (var snapshot = _server.Part<Database>().OpenSnapshot())
        {
            upTo = EventTable.FindPlace(snapshot, eventId)!.Value.Timeline!.Value;
        }

        await _server.Part<HistoryPurge>().DeleteAsync(_server.Part<RoomEngine>().Find(_room)!, upTo, null, default);
    }

    /// <summary>How much Bob has not read; and whether the database is whole.</summary>
    private async Task<string> UnreadAsync()
    {
        using (var snapshot = _server.Part<Database>().OpenSnapshot())
        {
            Assert.Empty(DatabaseCheck.Findings(snapshot));
        }

        var room = (await _bob.GetAsync($"{V3}/sync?filter={Uri.EscapeDataString(Apart)}"))["rooms"].GetProperty("join").GetProperty(_room);
        var threads = room.GetProperty("unread_thread_notifications").EnumerateObject().Select(thread => $", in threads {Count(thread.Value)}");
        return Count(room.GetProperty("unread_notifications")) + string.Concat(threads);

        static int Count(JsonElement counts) => counts.GetProperty("notification_count").GetInt32();
    }

    private async Task<List<string?>> ListAsync() => [.. (await _bob.GetAsync($"{V3}/notifications"))["notifications"].EnumerateArray().Select(Body)];

    private static string? Body(JsonElement notification) => notification.GetProperty("event").GetProperty("content").GetProperty("body").GetString();
}
