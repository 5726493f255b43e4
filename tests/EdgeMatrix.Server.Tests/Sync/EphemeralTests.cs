using System.Text.Json;
using EdgeMatrix.Storage.Rooms;
using Xunit;
using static EdgeMatrix.Server.Tests.Sync.SyncFixture;

namespace EdgeMatrix.Server.Tests.Sync;

public class EphemeralTests
{
    [Fact]
    public async Task Who_begins_and_ends_typing_is_told_once()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var first = await fixture.SyncAsync(Alice);
        fixture.Typing.Set(room.Nid, Bob, true, TimeSpan.FromSeconds(10), room.LocalMembers());
        var second = await fixture.SyncAsync(Alice, first.Next());
        var third = await fixture.SyncAsync(Alice, second.Next());
        fixture.Time.Advance(TimeSpan.FromSeconds(11));
        var fourth = await fixture.SyncAsync(Alice, third.Next());

        Assert.Equal([Bob], TypingIn(second.Joined(room)));
        Assert.Empty(second.Joined(room).Timeline());
        Assert.Null(third.Joined(room));
        Assert.Empty(TypingIn(fourth.Joined(room)));
    }

    [Fact]
    public async Task After_a_restart_nobody_is_left_typing_in_a_room_with_news()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        fixture.Typing.Set(room.Nid, Bob, true, TimeSpan.FromSeconds(10), room.LocalMembers());
        var first = await fixture.SyncAsync(Alice);

        await using var again = await fixture.RestartAsync();
        await again.SendAsync(again.Engine.Find(room.Id)!, Bob, "done typing");
        var second = await again.SyncAsync(Alice, first.Next());

        Assert.Equal([Bob], TypingIn(first.Joined(room)));
        Assert.Empty(TypingIn(second.Joined(room)));
    }

    [Fact]
    public async Task Receipts_are_grouped_by_event_and_threads_keep_apart()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var message = await fixture.SendAsync(room, Alice, "read me");
        var first = await fixture.SyncAsync(Alice);
        var bob = await fixture.UserAsync(Bob);
        await fixture.Receipts.SetAsync(room, bob, ReceiptType.Read, "", message);
        await fixture.Receipts.SetAsync(room, bob, ReceiptType.Read, "main", message);
        await fixture.Receipts.SetAsync(room, await fixture.UserAsync(Alice), ReceiptType.Read, "", message);

        var second = await fixture.SyncAsync(Alice, first.Next());

        var receipts = second.Joined(room).Events("ephemeral").Select(e => e.GetProperty("content").GetProperty(message).GetProperty("m.read")).ToList();
        var unthreaded = receipts.Single(r => !r.GetProperty(Bob).TryGetProperty("thread_id", out _));
        var main = receipts.Single(r => r.GetProperty(Bob).TryGetProperty("thread_id", out _));
        Assert.True(unthreaded.TryGetProperty(Alice, out _));
        Assert.Equal("main", main.GetProperty(Bob).GetProperty("thread_id").GetString());
        Assert.Null((await fixture.SyncAsync(Alice, second.Next())).Joined(room));
        Assert.Equal(2, (await fixture.SyncAsync(Alice)).Joined(room).Events("ephemeral").Count);
    }

    [Fact]
    public async Task Private_receipts_are_shown_to_their_own_user_only()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var message = await fixture.SendAsync(room, Alice, "read me");
        var alice = await fixture.SyncAsync(Alice);
        var bob = await fixture.SyncAsync(Bob);
        await fixture.Receipts.SetAsync(room, await fixture.UserAsync(Bob), ReceiptType.ReadPrivate, "", message);

        Assert.Null((await fixture.SyncAsync(Alice, alice.Next())).Joined(room));
        var own = (await fixture.SyncAsync(Bob, bob.Next())).Joined(room).Events("ephemeral").Single();
        Assert.True(own.GetProperty("content").GetProperty(message).GetProperty("m.read.private").TryGetProperty(Bob, out _));
    }

    [Fact]
    public async Task Account_data_comes_globally_and_by_room_when_it_changes()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        await fixture.SetAccountDataAsync(Alice, null, "m.direct", """{"a":1}""");
        await fixture.SetAccountDataAsync(Alice, room, "m.tag", """{"tags":{}}""");
        var first = await fixture.SyncAsync(Alice);
        await fixture.SetAccountDataAsync(Alice, room, "m.fully_read", """{"event_id":"$x"}""");
        var second = await fixture.SyncAsync(Alice, first.Next());

        Assert.Equal(["m.direct"], Global(first));
        Assert.Equal(["m.tag"], first.Joined(room).Events("account_data").Select(e => e.Type()));
        Assert.Equal(["m.fully_read"], second.Joined(room).Events("account_data").Select(e => e.Type()));
        Assert.Empty(Global(second));
        Assert.Empty((await fixture.SyncAsync(Bob)).Joined(room).Events("account_data"));
    }

    [Fact]
    public async Task Who_joins_again_is_told_the_old_account_data_of_the_room()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        await fixture.SetAccountDataAsync(Bob, room, "m.tag", """{"tags":{}}""");
        await fixture.LeaveAsync(room, Bob);
        var first = await fixture.SyncAsync(Bob);
        await fixture.JoinAsync(room, Bob);

        Assert.Equal(["m.tag"], (await fixture.SyncAsync(Bob, first.Next())).Joined(room).Events("account_data").Select(e => e.Type()));
    }

    private static IEnumerable<string> Global(JsonElement sync) =>
        sync.GetProperty("account_data").GetProperty("events").EnumerateArray().Select(e => e.Type());

    private static List<string> TypingIn(JsonElement? room) =>
        [.. room.Events("ephemeral").Single(e => e.Type() == "m.typing").GetProperty("content").GetProperty("user_ids").EnumerateArray().Select(u => u.GetString()!)];
}
