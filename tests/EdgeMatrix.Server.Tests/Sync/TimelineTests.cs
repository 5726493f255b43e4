using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;
using Xunit;
using static EdgeMatrix.Server.Tests.Sync.SyncFixture;

namespace EdgeMatrix.Server.Tests.Sync;

public class TimelineTests
{
    [Fact]
    public async Task An_initial_sync_brings_the_newest_events_and_the_state_before_them()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        for (var i = 0; i < 12; i++)
        {
            await fixture.SendAsync(room, Alice, $"m{i}");
        }

        var joined = (await fixture.SyncAsync(Alice)).Joined(room);

        Assert.Equal([.. Enumerable.Range(2, 10).Select(i => $"m{i}")], joined.Timeline().Bodies());
        Assert.True(joined.Limited());
        Assert.Equal(
            [
                "m.room.create|", "m.room.guest_access|", "m.room.history_visibility|", "m.room.join_rules|", $"m.room.member|{Alice}",
                "m.room.power_levels|",
            ],
            joined.State().Keys());
    }

    [Fact]
    public async Task A_room_whose_events_all_fit_the_timeline_has_no_state_besides()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);

        var joined = (await fixture.SyncAsync(Alice)).Joined(room);

        Assert.Equal("m.room.create", joined.Timeline()[0].Type());
        Assert.Empty(joined.State());
        Assert.False(joined.Limited());
    }

    [Fact]
    public async Task A_later_sync_brings_only_what_came_since()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var quiet = await fixture.CreateAsync(Alice, new CreateRoomRequest { Preset = "private_chat" });
        var first = await fixture.SyncAsync(Alice);
        var id = await fixture.SendAsync(room, Alice, "news");

        var second = await fixture.SyncAsync(Alice, first.Next());

        Assert.Equal([id], second.Joined(room).Timeline().Ids());
        Assert.Empty(second.Joined(room).State());
        Assert.False(second.Joined(room).Limited());
        Assert.Null(second.Joined(quiet));
        Assert.Null((await fixture.SyncAsync(Alice, second.Next())).Joined(room));
    }

    [Fact]
    public async Task A_gap_is_limited_and_its_prev_batch_reaches_exactly_the_gap()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var first = await fixture.SyncAsync(Alice);
        var sent = new List<string>();
        for (var i = 0; i < 15; i++)
        {
            sent.Add(await fixture.SendAsync(room, Alice, $"m{i}"));
        }

        var joined = (await fixture.SyncAsync(Alice, first.Next(), """{"room":{"timeline":{"limit":4}}}""")).Joined(room);

        Assert.True(joined.Limited());
        Assert.Equal(sent[11..], joined.Timeline().Ids());
        Assert.True(TimelineToken.TryParse(joined.PrevBatch(), out var from));
        Assert.True(TimelineToken.TryParse(first.Next(), out var to));
        using var snapshot = fixture.Database.OpenSnapshot();
        var gap = EventTable.Backward(snapshot, room.Nid, from, to, 100);
        gap.Reverse();
        Assert.Equal(sent[..11], gap.Select(e => e.EventId));
    }

    [Fact]
    public async Task As_many_events_as_the_limit_are_no_gap()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var first = await fixture.SyncAsync(Alice);
        for (var i = 0; i < 4; i++)
        {
            await fixture.SendAsync(room, Alice, $"m{i}");
        }

        var joined = (await fixture.SyncAsync(Alice, first.Next(), """{"room":{"timeline":{"limit":4}}}""")).Joined(room);

        Assert.Equal(4, joined.Timeline().Count);
        Assert.False(joined.Limited());
    }

    [Fact]
    public async Task Only_the_sending_device_is_told_its_transaction_id()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var first = await fixture.SyncAsync(Alice);
        await fixture.SendAsync(room, Alice, "mine", new TransactionId(1, "send", "txn"));

        var own = (await fixture.SyncAsync(Alice, first.Next(), device: 1)).Joined(room).Timeline()[0];
        var other = (await fixture.SyncAsync(Alice, first.Next(), device: 2)).Joined(room).Timeline()[0];

        Assert.Equal("txn", own.GetProperty("unsigned").GetProperty("transaction_id").GetString());
        Assert.False(other.GetProperty("unsigned").TryGetProperty("transaction_id", out _));
        Assert.False(own.TryGetProperty("room_id", out _));
        Assert.Equal("join", own.GetProperty("unsigned").GetProperty("membership").GetString());
    }

    [Fact]
    public async Task Who_joins_sees_of_the_history_what_its_visibility_lets()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, new CreateRoomRequest
        {
            Preset = "public_chat",
            InitialState = [new InitialState("m.room.history_visibility", JsonContent.Of("history_visibility", "joined"))],
        });
        await fixture.SetStateAsync(room, Alice, "m.room.topic", "", """{"topic":"over"}""");
        await fixture.SendAsync(room, Alice, "before");
        await fixture.SetStateAsync(room, Alice, "m.room.topic", "", """{"topic":"set before"}""");
        var first = await fixture.SyncAsync(Bob);
        var join = await fixture.JoinAsync(room, Bob);

        var joined = (await fixture.SyncAsync(Bob, first.Next())).Joined(room);

        // What came before the visibility was set is shared; what came after is hidden, but for what is state still, which the user is told anyhow.
        Assert.Equal(join, joined.Timeline().Ids()[^1]);
        Assert.DoesNotContain("before", joined.Timeline().Bodies());
        Assert.Equal(["set before"], joined.Timeline().Where(e => e.Type() == "m.room.topic").Select(e => e.GetProperty("content").GetProperty("topic").GetString()));
        Assert.Empty(joined.State().Keys());
    }

    [Fact]
    public async Task Who_comes_back_sees_in_the_timeline_who_came_meanwhile()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, new CreateRoomRequest { Preset = "public_chat" }, Bob);
        await fixture.SetStateAsync(room, Alice, "m.room.history_visibility", "", """{"history_visibility":"joined"}""");
        var first = await fixture.SyncAsync(Bob);
        await fixture.LeaveAsync(room, Bob);
        var came = await fixture.JoinAsync(room, Carol);
        for (var n = 0; n < 15; n++)
        {
            await fixture.SendAsync(room, Alice, $"hidden {n}");
        }

        var back = await fixture.JoinAsync(room, Bob);

        var timeline = (await fixture.SyncAsync(Bob, first.Next())).Joined(room).Timeline();
        Assert.Equal([came, back], timeline.Ids()[^2..]);
        Assert.DoesNotContain(timeline.Bodies(), body => body.StartsWith("hidden", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_room_that_a_client_was_out_of_is_told_anew_and_not_as_what_follows()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, new CreateRoomRequest { Preset = "public_chat" }, Bob);
        var first = await fixture.SyncAsync(Bob);
        Assert.False(first.Joined(room).Limited());
        await fixture.LeaveAsync(room, Bob);
        var second = await fixture.SyncAsync(Bob, first.Next());
        await fixture.JoinAsync(room, Bob);

        var back = (await fixture.SyncAsync(Bob, second.Next())).Joined(room);

        // What the client knows of the room comes once more.
        Assert.Contains("m.room.create", back.Timeline().Select(e => e.Type()));
        Assert.True(back.Limited());
    }

    [Fact]
    public async Task Messages_of_ignored_users_are_left_out_and_their_state_is_not()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var first = await fixture.SyncAsync(Alice);
        await fixture.SetAccountDataAsync(Alice, null, "m.ignored_user_list", """{"ignored_users":{"@bob:test":{}}}""");
        await fixture.SendAsync(room, Bob, "spam");
        var leave = await fixture.LeaveAsync(room, Bob);

        var second = await fixture.SyncAsync(Alice, first.Next());

        Assert.Equal([leave], second.Joined(room).Timeline().Ids());
        Assert.Equal("m.ignored_user_list", second.GetProperty("account_data").GetProperty("events")[0].Type());
    }

    [Fact]
    public async Task A_redacted_event_comes_redacted_with_the_redaction_beside_it()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var first = await fixture.SyncAsync(Alice);
        var message = await fixture.SendAsync(room, Alice, "oops");
        await fixture.SendAsync(room, new EventDraft("m.room.redaction", null, Alice, JsonContent.Of("redacts", message)));

        var timeline = (await fixture.SyncAsync(Alice, first.Next())).Joined(room).Timeline();

        Assert.Equal(["m.room.message", "m.room.redaction"], timeline.Select(e => e.Type()));
        Assert.Empty(timeline[0].GetProperty("content").EnumerateObject());
        Assert.Equal(timeline[1].GetProperty("event_id").GetString(), timeline[0].GetProperty("unsigned").GetProperty("redacted_because").GetProperty("event_id").GetString());
    }
}
