using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Sync;
using Xunit;
using static EdgeMatrix.Server.Tests.Sync.SyncFixture;

namespace EdgeMatrix.Server.Tests.Sync;

public class LongPollTests
{
    [Fact]
    public async Task A_waiting_sync_is_woken_by_news()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var first = await fixture.SyncAsync(Alice);

        var waiting = fixture.SyncAsync(Alice, first.Next(), timeoutMs: 30_000);
        Assert.False(waiting.IsCompleted);
        var id = await fixture.SendAsync(room, Bob, "wake up");

        Assert.Equal([id], (await waiting).Joined(room).Timeline().Ids());
    }

    [Fact]
    public async Task Without_news_it_ends_at_the_time_out()
    {
        await using var fixture = await StartAsync();
        await fixture.CreateAsync(Alice);
        var first = await fixture.SyncAsync(Alice);

        var waiting = fixture.SyncAsync(Alice, first.Next(), timeoutMs: 30_000);
        fixture.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(waiting.IsCompleted);
        fixture.Time.Advance(TimeSpan.FromSeconds(1));

        var sync = await waiting;
        Assert.Equal(first.Next(), sync.Next());
        Assert.Empty(sync.GetProperty("rooms").EnumerateObject());
    }

    [Fact]
    public async Task The_end_of_the_server_ends_the_wait()
    {
        await using var fixture = await StartAsync();
        await fixture.CreateAsync(Alice);
        var first = await fixture.SyncAsync(Alice);
        using var end = new CancellationTokenSource();

        var waiting = fixture.SyncAsync(Alice, first.Next(), timeoutMs: 30_000, end: end);
        await end.CancelAsync();

        Assert.Equal(first.Next(), (await waiting).Next());
    }

    [Fact]
    public async Task News_that_the_filter_hides_does_not_end_the_wait()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var first = await fixture.SyncAsync(Alice);

        var waiting = fixture.SyncAsync(Alice, first.Next(), """{"room":{"timeline":{"not_types":["m.room.message"]}}}""", timeoutMs: 30_000);
        await fixture.SendAsync(room, Bob, "hidden");
        var topic = await fixture.SetStateAsync(room, Alice, "m.room.topic", "", """{"topic":"shown"}""");

        Assert.Equal([topic], (await waiting).Joined(room).Timeline().Ids());
    }

    [Fact]
    public async Task Typing_and_account_data_and_invites_wake_too()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var closed = await fixture.CreateAsync(Alice, new CreateRoomRequest { Preset = "private_chat" });
        var first = await fixture.SyncAsync(Bob);

        var waiting = fixture.SyncAsync(Bob, first.Next(), timeoutMs: 30_000);
        fixture.Typing.Set(room.Nid, Alice, true, TimeSpan.FromSeconds(10), room.LocalMembers());
        var second = await waiting;
        waiting = fixture.SyncAsync(Bob, second.Next(), timeoutMs: 30_000);
        await fixture.SetAccountDataAsync(Bob, null, "m.direct", "{}");
        var third = await waiting;
        waiting = fixture.SyncAsync(Bob, third.Next(), timeoutMs: 30_000);
        await fixture.InviteAsync(closed, Alice, Bob);
        var fourth = await waiting;

        Assert.Single(second.Joined(room).Events("ephemeral"));
        Assert.Single(third.GetProperty("account_data").GetProperty("events").EnumerateArray());
        Assert.NotNull(fourth.Section("invite", closed));
    }

    [Fact]
    public async Task A_sync_without_news_runs_no_statement()
    {
        await using var fixture = await StartAsync();
        for (var i = 0; i < 20; i++)
        {
            await fixture.CreateAsync(Alice, new CreateRoomRequest { Preset = "public_chat", Name = $"room {i}" });
        }

        var first = await fixture.SyncAsync(Alice);
        await fixture.SyncAsync(Alice, first.Next());
        var (reads, statements) = (fixture.Database.Reads, fixture.Database.StatementsRun);

        for (var i = 0; i < 10; i++)
        {
            await fixture.SyncAsync(Alice, first.Next());
        }

        Assert.Equal((reads, statements), (fixture.Database.Reads, fixture.Database.StatementsRun));
    }

    [Fact]
    public async Task News_of_one_room_costs_the_same_however_many_rooms_there_are()
    {
        Assert.Equal(await CostOfNewsAsync(rooms: 2), await CostOfNewsAsync(rooms: 40));

        static async Task<long> CostOfNewsAsync(int rooms)
        {
            await using var fixture = await StartAsync();
            var room = await fixture.CreateAsync(Alice);
            for (var i = 1; i < rooms; i++)
            {
                await fixture.CreateAsync(Alice, new CreateRoomRequest { Preset = "public_chat", Name = $"room {i}" });
            }

            var first = await fixture.SyncAsync(Alice);
            await fixture.SendAsync(room, Alice, "news");
            var before = fixture.Database.StatementsRun;
            await fixture.SyncAsync(Alice, first.Next());
            return fixture.Database.StatementsRun - before;
        }
    }

    [Fact]
    public async Task A_token_of_before_a_restart_goes_on_without_a_gap_or_a_repetition()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var quiet = await fixture.CreateAsync(Alice, new CreateRoomRequest { Preset = "public_chat", Name = "quiet" });
        await fixture.Database.WriteAsync(db =>
        {
            var user = EdgeMatrix.Storage.UserTable.Intern(db, Alice);
            using var insert = db.Prepare("INSERT INTO accounts (user, created_ts) VALUES (?, 0)").Bind(user);
            insert.Run();
        });
        var first = await fixture.SyncAsync(Alice);
        var missed = await fixture.SendAsync(room, Alice, "one");

        await using var again = await fixture.RestartAsync();
        var second = await again.SyncAsync(Alice, first.Next());
        var third = await again.SyncAsync(Alice, second.Next());
        var waiting = again.SyncAsync(Alice, third.Next(), timeoutMs: 30_000);
        var next = await again.SendAsync(again.Engine.Find(room.Id)!, Alice, "two");

        Assert.Equal([missed], second.Joined(room).Timeline().Ids());
        Assert.Null(second.Joined(quiet));
        Assert.Null(third.Joined(room));
        Assert.Equal([next], (await waiting).Joined(room).Timeline().Ids());
    }

    [Fact]
    public async Task What_is_on_the_disk_but_not_yet_told_of_is_found_on_the_disk()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var first = await fixture.SyncAsync(Alice);
        Assert.True(SyncToken.TryParse(first.Next(), out var token));

        Assert.NotNull(fixture.Notifier.RoomsChangedSince(token.Position, token.Position));
        Assert.Null(fixture.Notifier.RoomsChangedSince(token.Position, token.Position + 1));
        await fixture.SendAsync(room, Bob, "told");
        Assert.Equal([room.Nid], fixture.Notifier.RoomsChangedSince(token.Position, token.Position + 1)!);
    }

    [Fact]
    public async Task More_changes_than_are_remembered_are_found_on_the_disk()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var other = await fixture.CreateAsync(Carol);
        var first = await fixture.SyncAsync(Alice);
        var id = await fixture.SendAsync(room, Bob, "news");
        await Task.WhenAll(Enumerable.Range(0, 5_000).Select(i => fixture.SendAsync(other, Carol, $"m{i}")));

        var second = await fixture.SyncAsync(Alice, first.Next());

        Assert.Equal([id], second.Joined(room).Timeline().Ids());
        Assert.Null(second.Joined(other));
    }

    [Fact]
    public async Task Clients_that_follow_a_busy_room_see_every_event_once_in_order()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var first = await fixture.SyncAsync(Alice);

        // No more is said than one sync can tell, however late the client comes.
        using var unseen = new SemaphoreSlim(80);
        var sending = Task.WhenAll(Enumerable.Range(0, 4).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                await unseen.WaitAsync();
                await fixture.SendAsync(room, sender % 2 == 0 ? Alice : Bob, $"{sender}:{i}");
            }
        })));

        var seen = new List<string>();
        for (var since = first.Next(); seen.Count < 400;)
        {
            var sync = await fixture.SyncAsync(Alice, since, """{"room":{"timeline":{"limit":100}}}""", timeoutMs: 30_000);
            since = sync.Next();
            var news = sync.Joined(room).Timeline().Ids().ToList();
            seen.AddRange(news);
            if (news.Count > 0)
            {
                unseen.Release(news.Count);
            }

            Assert.False(sync.Joined(room).Limited());
        }

        await sending;
        using var snapshot = fixture.Database.OpenSnapshot();
        var stored = EdgeMatrix.Storage.Rooms.EventTable.Backward(snapshot, room.Nid, long.MaxValue, 0, 400);
        stored.Reverse();
        Assert.Equal(stored.Select(e => e.EventId), seen);
    }

    [Theory]
    [InlineData("s12_34_5", true)]
    [InlineData("s0_0_0", true)]
    [InlineData("s12", false)]
    [InlineData("s_1", false)]
    [InlineData("s1_", false)]
    [InlineData("t12", false)]
    [InlineData("s-1_0", false)]
    [InlineData("s1_0_0_0", false)]
    [InlineData("s1_0_", false)]
    [InlineData("s 1_0", false)]
    [InlineData("s99999999999999999999_0", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void A_token_is_read_as_it_was_written_or_refused(string? text, bool valid)
    {
        Assert.Equal(valid, SyncToken.TryParse(text, out var token));
        Assert.True(!valid || token.ToString() == text);
    }

    [Fact]
    public void A_token_of_two_parts_is_from_before_there_were_to_device_messages()
    {
        Assert.True(SyncToken.TryParse("s12_34", out var token));
        Assert.Equal(new SyncToken(12, 34, 12), token);
    }

    [Fact]
    public async Task A_token_from_the_future_is_not_of_this_server()
    {
        await using var fixture = await StartAsync();
        var first = await fixture.SyncAsync(Alice);
        Assert.True(SyncToken.TryParse(first.Next(), out var token));

        Assert.True(fixture.Sync.Knows(token));
        Assert.False(fixture.Sync.Knows(token with { Position = token.Position + 1_000_000 }));
    }
}
