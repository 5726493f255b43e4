using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Sync;
using Xunit;
using static EdgeMatrix.Server.Tests.Sync.SyncFixture;

namespace EdgeMatrix.Server.Tests.Sync;

public class MembershipTests
{
    private const string IncludeLeave = """{"room":{"include_leave":true}}""";

    private static readonly CreateRoomRequest _private = new() { Preset = "private_chat", Name = "Den", Topic = "Things" };

    [Fact]
    public async Task An_invite_comes_with_what_the_invited_need_to_know_the_room()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, _private);
        var first = await fixture.SyncAsync(Bob);
        await fixture.InviteAsync(room, Alice, Bob);

        var second = await fixture.SyncAsync(Bob, first.Next());

        var state = second.Section("invite", room).Events("invite_state");
        Assert.Equal(
            ["m.room.create|", "m.room.join_rules|", $"m.room.member|{Alice}", $"m.room.member|{Bob}", "m.room.name|", "m.room.topic|"],
            state.Keys());
        Assert.All(state, e => Assert.Equal(["content", "sender", "state_key", "type"], e.EnumerateObject().Select(p => p.Name).Order()));
        Assert.NotNull((await fixture.SyncAsync(Bob)).Section("invite", room));
        Assert.Null((await fixture.SyncAsync(Bob, second.Next())).Section("invite", room));
    }

    [Fact]
    public async Task Invites_of_ignored_users_are_not_shown()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, _private);
        await fixture.SetAccountDataAsync(Bob, null, "m.ignored_user_list", """{"ignored_users":{"@alice:test":{}}}""");
        await fixture.InviteAsync(room, Alice, Bob);

        Assert.Null((await fixture.SyncAsync(Bob)).Section("invite", room));
    }

    [Fact]
    public async Task A_rejected_invite_is_left_with_the_rejection_alone()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, _private);
        await fixture.InviteAsync(room, Alice, Bob);
        var first = await fixture.SyncAsync(Bob);
        await fixture.SendAsync(room, Alice, "secret");
        var rejection = await fixture.LeaveAsync(room, Bob);

        var second = await fixture.SyncAsync(Bob, first.Next());
        var after = await fixture.SyncAsync(Bob, first.Next(), stateProperty: StateProperty.StateAfter);

        Assert.Equal([rejection], second.Section("leave", room).Timeline().Ids());
        Assert.Empty(second.Section("leave", room).State());
        Assert.Equal([rejection], after.Section("leave", room).Events("state_after").Ids());
        Assert.Null(second.Section("invite", room));
        Assert.Null((await fixture.SyncAsync(Bob, second.Next())).Section("leave", room));
    }

    [Fact]
    public async Task A_knock_comes_with_what_the_knocker_may_know_of_the_room()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, new CreateRoomRequest
        {
            Preset = "private_chat",
            Name = "Den",
            InitialState = [new InitialState("m.room.join_rules", JsonContent.Of("join_rule", "knock"))],
        });
        var first = await fixture.SyncAsync(Bob);
        Assert.Null((await fixture.Members.KnockAsync(room, Bob, null, TestContext.Current.CancellationToken)).Refusal);

        var second = await fixture.SyncAsync(Bob, first.Next());

        Assert.Equal(
            ["m.room.create|", "m.room.join_rules|", $"m.room.member|{Bob}", "m.room.name|"],
            second.Section("knock", room).Events("knock_state").Keys());
    }

    [Fact]
    public async Task Who_joins_is_told_all_of_the_room()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, _private);
        await fixture.InviteAsync(room, Alice, Bob);
        var first = await fixture.SyncAsync(Bob);
        var join = await fixture.JoinAsync(room, Bob);

        var joined = (await fixture.SyncAsync(Bob, first.Next(), """{"room":{"timeline":{"limit":1}}}""")).Joined(room);

        Assert.Equal([join], joined.Timeline().Ids());
        Assert.True(joined.Limited());
        Assert.Contains("m.room.create|", joined.State().Keys());
        Assert.Equal(2, joined!.Value.GetProperty("summary").GetProperty("m.joined_member_count").GetInt32());
    }

    [Fact]
    public async Task A_left_room_comes_once_with_its_timeline_up_to_the_leave()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var first = await fixture.SyncAsync(Bob);
        var message = await fixture.SendAsync(room, Alice, "bye");
        var leave = await fixture.LeaveAsync(room, Bob);
        await fixture.SendAsync(room, Alice, "unseen");
        await fixture.SetStateAsync(room, Alice, "m.room.topic", "", """{"topic":"unseen"}""");

        var second = await fixture.SyncAsync(Bob, first.Next());

        Assert.Equal([message, leave], second.Section("leave", room).Timeline().Ids());
        Assert.Empty(second.Section("leave", room).State());
        Assert.Null(second.Joined(room));
        Assert.Null((await fixture.SyncAsync(Bob, second.Next())).Section("leave", room));
    }

    [Fact]
    public async Task An_initial_sync_has_left_rooms_only_on_request_and_forgotten_ones_never()
    {
        await using var fixture = await StartAsync();
        var left = await fixture.CreateAsync(Alice, null, Bob);
        var forgotten = await fixture.CreateAsync(Alice, new CreateRoomRequest { Preset = "public_chat", Name = "other" }, Bob);
        var leave = await fixture.LeaveAsync(left, Bob);
        await fixture.LeaveAsync(forgotten, Bob);
        Assert.Null(await fixture.Members.ForgetAsync(forgotten, await fixture.UserAsync(Bob)));

        var plain = await fixture.SyncAsync(Bob);
        var withLeft = await fixture.SyncAsync(Bob, filter: IncludeLeave);

        Assert.Null(plain.Section("leave", left));
        Assert.Equal(leave, withLeft.Section("leave", left).Timeline().Ids()[^1]);
        Assert.Null(withLeft.Section("leave", forgotten));
    }

    [Fact]
    public async Task A_device_that_still_holds_a_room_as_joined_hears_of_the_leave_though_another_forgot_the_room()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var first = await fixture.SyncAsync(Bob);
        var leave = await fixture.LeaveAsync(room, Bob);
        Assert.Null(await fixture.Members.ForgetAsync(room, await fixture.UserAsync(Bob)));

        Assert.Equal([leave], (await fixture.SyncAsync(Bob, first.Next())).Section("leave", room).Timeline().Ids());
    }

    [Fact]
    public async Task Joined_left_and_joined_again_in_one_gap_is_joined_with_no_more_than_what_changed()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var first = await fixture.SyncAsync(Bob);
        var leave = await fixture.LeaveAsync(room, Bob);
        var join = await fixture.JoinAsync(room, Bob);

        var second = await fixture.SyncAsync(Bob, first.Next());

        Assert.Equal([leave, join], second.Joined(room).Timeline().Ids());
        Assert.Empty(second.Joined(room).State());
        Assert.Null(second.Section("leave", room));
    }

    [Fact]
    public async Task Joined_and_left_in_one_gap_is_left_with_all_that_was_to_be_seen()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice);
        var first = await fixture.SyncAsync(Bob);
        await fixture.JoinAsync(room, Bob);
        await fixture.SendAsync(room, Alice, "welcome");
        var leave = await fixture.LeaveAsync(room, Bob);

        var left = (await fixture.SyncAsync(Bob, first.Next(), """{"room":{"timeline":{"limit":2}}}""")).Section("leave", room);

        Assert.Equal("welcome", left.Timeline().Bodies()[0]);
        Assert.Equal(leave, left.Timeline().Ids()[1]);
        Assert.Contains("m.room.create|", left.State().Keys());
    }

    [Fact]
    public async Task A_ban_after_leaving_is_told_without_what_happened_in_between()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var first = await fixture.SyncAsync(Bob);
        var leave = await fixture.LeaveAsync(room, Bob);
        await fixture.SendAsync(room, Alice, "unseen");
        var ban = (await fixture.Members.BanAsync(room, Alice, Bob, null, TestContext.Current.CancellationToken)).Value!;

        Assert.Equal([leave, ban], (await fixture.SyncAsync(Bob, first.Next())).Section("leave", room).Timeline().Ids());
    }

    [Fact]
    public async Task The_summary_comes_when_members_change_and_names_at_most_five_heroes()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        var first = await fixture.SyncAsync(Alice);
        await fixture.SendAsync(room, Bob, "no change");
        var second = await fixture.SyncAsync(Alice, first.Next());
        for (var i = 0; i < 6; i++)
        {
            await fixture.JoinAsync(room, $"@user{i}:test");
        }

        await fixture.InviteAsync(room, Alice, Carol);
        var third = await fixture.SyncAsync(Alice, second.Next());
        await fixture.SetStateAsync(room, Alice, "m.room.name", "", """{"name":"Named"}""");
        var fourth = await fixture.SyncAsync(Alice, third.Next());

        Assert.False(second.Joined(room)!.Value.TryGetProperty("summary", out _));
        var summary = third.Joined(room)!.Value.GetProperty("summary");
        Assert.Equal([Bob, "@user0:test", "@user1:test", "@user2:test", "@user3:test"], summary.GetProperty("m.heroes").EnumerateArray().Select(h => h.GetString()));
        Assert.Equal(8, summary.GetProperty("m.joined_member_count").GetInt32());
        Assert.Equal(1, summary.GetProperty("m.invited_member_count").GetInt32());
        Assert.False(fourth.Joined(room)!.Value.GetProperty("summary").TryGetProperty("m.heroes", out _));
    }

    [Fact]
    public async Task Those_who_left_name_a_room_that_nobody_else_is_in()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(Alice, null, Bob);
        await fixture.LeaveAsync(room, Bob);

        var summary = (await fixture.SyncAsync(Alice)).Joined(room)!.Value.GetProperty("summary");

        Assert.Equal([Bob], summary.GetProperty("m.heroes").EnumerateArray().Select(h => h.GetString()));
    }
}
