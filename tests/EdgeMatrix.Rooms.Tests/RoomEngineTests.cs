using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;
using static EdgeMatrix.Rooms.Tests.RoomFixture;

namespace EdgeMatrix.Rooms.Tests;

public class RoomEngineTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    [InlineData("3")]
    [InlineData("4")]
    [InlineData("5")]
    [InlineData("6")]
    [InlineData("7")]
    [InlineData("8")]
    [InlineData("9")]
    [InlineData("10")]
    [InlineData("11")]
    [InlineData("12")]
    public async Task A_new_room_begins_with_the_events_of_the_specification_in_order(string version)
    {
        await using var fixture = await StartAsync();

        var room = await fixture.CreateAsync(request: new CreateRoomRequest
        {
            RoomVersion = version,
            Preset = "private_chat",
            RoomAliasName = "den",
            Name = "Den",
            Topic = "Things",
            Invite = [Bob],
            InitialState = [new InitialState("m.room.encryption", JsonContent.Of("algorithm", "m.megolm.v1.aes-sha2"))],
        });

        Assert.Equal(
            [
                "m.room.create", "m.room.member", "m.room.power_levels", "m.room.canonical_alias", "m.room.join_rules",
                "m.room.history_visibility", "m.room.guest_access", "m.room.encryption", "m.room.name", "m.room.topic", "m.room.member",
            ],
            fixture.Timeline(room).Select(e => e.Pdu.Type));
        Assert.Equal(version == "12", room.Id == "!" + fixture.Timeline(room)[0].Id[1..]);
        Assert.Equal(version is not ("11" or "12"), fixture.Timeline(room)[0].Pdu.Content.TryGetProperty("creator", out _));
    }

    [Fact]
    public async Task Each_event_names_the_one_before_and_is_one_deeper()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync();
        await fixture.SendAsync(room, Alice, "hello");

        var timeline = fixture.Timeline(room);

        for (var i = 1; i < timeline.Count; i++)
        {
            Assert.Equal([timeline[i - 1].Id], timeline[i].Pdu.PrevEvents);
            Assert.Equal(i + 1, timeline[i].Pdu.Depth);
        }
    }

    [Fact]
    public async Task Concurrent_senders_make_one_line_of_events_and_share_commits()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync();
        var before = fixture.Database.Commits;

        // They all come while a write takes its time.
        using var slow = new HeldWriter(fixture.Database);
        var begun = 0;
        var sending = Enumerable.Range(0, 200).Select(i => Task.Run(() =>
        {
            var sent = fixture.SendAsync(room, Alice, $"m{i}");
            Interlocked.Increment(ref begun);
            return sent;
        })).ToList();
        while (Volatile.Read(ref begun) < sending.Count)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        slow.Release();
        var ids = await Task.WhenAll(sending);

        var timeline = fixture.Timeline(room);
        Assert.Equal(200, ids.Distinct().Count());
        Assert.Equal(200, timeline.Count(e => ids.Contains(e.Id)));
        Assert.All(timeline.Skip(1), e => Assert.Single(e.Pdu.PrevEvents));
        Assert.InRange(fixture.Database.Commits - before, 1, 100);
    }

    [Fact]
    public async Task A_repeated_transaction_has_one_effect_even_at_the_same_time_and_after_a_restart()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync();
        var transaction = new TransactionId(1, "send", "t1");

        var same = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => fixture.SendAsync(room, Alice, "once", transaction))));
        var other = await fixture.SendAsync(room, Alice, "once", transaction with { Device = 2 });

        Assert.Single(same.Distinct());
        Assert.NotEqual(same[0], other);
        await using var again = await fixture.RestartAsync();
        Assert.Equal(same[0], await again.SendAsync(again.Engine.Find(room.Id)!, Alice, "once", transaction));
    }

    [Fact]
    public async Task A_room_goes_on_where_it_was_after_a_restart()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync();
        var last = await fixture.SendAsync(room, Alice, "before");

        await using var again = await fixture.RestartAsync();
        var next = await again.SendAsync(again.Engine.Find(room.Id)!, Alice, "after");

        Assert.Equal([last], again.Timeline(again.Engine.Find(room.Id)!).Single(e => e.Id == next).Pdu.PrevEvents);
    }

    [Fact]
    public async Task Outsiders_may_not_speak_and_leave_nothing_behind()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync();
        var before = fixture.Timeline(room).Count;

        var outcome = await fixture.Engine.SendAsync(
            room, new EventDraft("m.room.message", null, Bob, JsonContent.Of("body", "psst")), null, Cancelled);

        Assert.Equal(RefusalKind.Forbidden, outcome.Refusal!.Kind);
        Assert.Equal(before, fixture.Timeline(room).Count);
    }

    [Fact]
    public async Task An_event_that_is_too_large_is_refused_as_such()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync();

        var outcome = await fixture.Engine.SendAsync(
            room, new EventDraft("m.room.message", null, Alice, JsonContent.Of("body", new string('x', 66_000))), null, Cancelled);

        Assert.Equal(RefusalKind.TooLarge, outcome.Refusal!.Kind);
    }

    [Fact]
    public async Task Members_come_and_go()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync(request: new CreateRoomRequest { Preset = "private_chat" });

        Assert.NotNull((await fixture.Members.JoinAsync(room, Bob, null, Cancelled)).Refusal);
        Assert.Null((await fixture.Members.InviteAsync(room, Alice, Bob, "hi", Cancelled)).Refusal);
        Assert.Equal(Membership.Invite, MembershipOf(fixture, room, Bob));
        Assert.Null((await fixture.Members.JoinAsync(room, Bob, null, Cancelled)).Refusal);
        Assert.Equal(Membership.Join, MembershipOf(fixture, room, Bob));
        Assert.Equal("", (await fixture.Members.JoinAsync(room, Bob, null, Cancelled)).Value);
        Assert.NotNull((await fixture.Members.KickAsync(room, Bob, Alice, null, Cancelled)).Refusal);
        Assert.Null((await fixture.Members.BanAsync(room, Alice, Bob, "out", Cancelled)).Refusal);
        Assert.NotNull((await fixture.Members.InviteAsync(room, Alice, Bob, null, Cancelled)).Refusal);
        Assert.Null((await fixture.Members.UnbanAsync(room, Alice, Bob, null, Cancelled)).Refusal);
        Assert.Equal(Membership.Leave, MembershipOf(fixture, room, Bob));
        using var snapshot = fixture.Database.OpenSnapshot();
        var row = RoomTable.Find(snapshot, room.Id)!;
        Assert.Equal((1, 0), (row.Joined, row.Invited));
    }

    [Fact]
    public async Task Outsiders_who_act_on_others_learn_nothing_of_them()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync();
        await fixture.Members.BanAsync(room, Alice, Carol, null, Cancelled);

        Refusal?[] refusals =
        [
            (await fixture.Members.BanAsync(room, Bob, Carol, null, Cancelled)).Refusal,
            (await fixture.Members.KickAsync(room, Bob, Alice, null, Cancelled)).Refusal,
            (await fixture.Members.InviteAsync(room, Bob, Alice, null, Cancelled)).Refusal,
            (await fixture.Members.UnbanAsync(room, Bob, Alice, null, Cancelled)).Refusal,
        ];

        Assert.Equal(RefusalKind.Forbidden, Assert.Single(refusals.Distinct())!.Kind);
    }

    [Fact]
    public async Task A_restricted_room_takes_members_of_the_other_room_and_names_who_vouches()
    {
        await using var fixture = await StartAsync();
        await AddAccountAsync(fixture, Alice);
        var club = await fixture.CreateAsync();
        var allow = JsonContent.Object(json =>
        {
            json.WriteString("join_rule", "restricted");
            json.WriteStartArray("allow");
            json.WriteStartObject();
            json.WriteString("room_id", club.Id);
            json.WriteString("type", "m.room_membership");
            json.WriteEndObject();
            json.WriteEndArray();
        });
        var room = await fixture.CreateAsync(request: new CreateRoomRequest
        {
            Preset = "private_chat",
            InitialState = [new InitialState("m.room.join_rules", allow)],
        });

        Assert.Equal(RefusalKind.Forbidden, (await fixture.Members.JoinAsync(room, Carol, null, Cancelled)).Refusal?.Kind);
        Assert.Null((await fixture.Members.JoinAsync(club, Bob, null, Cancelled)).Refusal);
        var joined = await fixture.Members.JoinAsync(room, Bob, null, Cancelled);

        Assert.Null(joined.Refusal);
        var member = fixture.Timeline(room).Single(e => e.Id == joined.Value).Pdu;
        Assert.Equal(Alice, JsonContent.Text(member.Content, "join_authorised_via_users_server"));
    }

    [Fact]
    public async Task A_redaction_empties_the_event_on_the_disk()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync();
        var target = await fixture.SendAsync(room, Alice, "secret");

        await fixture.Engine.SendAsync(
            room, new EventDraft("m.room.redaction", null, Alice, JsonContent.Of("redacts", target)), null, Cancelled);

        var redacted = fixture.Timeline(room).Single(e => e.Id == target);
        Assert.True(redacted.Stored.Flags.HasFlag(EventFlags.Redacted));
        Assert.Empty(redacted.Pdu.Content.EnumerateObject());
    }

    [Fact]
    public async Task State_before_and_after_every_event_can_be_read_back()
    {
        await using var fixture = await StartAsync();
        var room = await fixture.CreateAsync();
        for (var i = 0; i < 40; i++)
        {
            await fixture.Engine.SendAsync(
                room, new EventDraft("m.room.name", "", Alice, JsonContent.Of("name", $"name {i}")), null, Cancelled);
        }

        var names = fixture.Timeline(room).Where(e => e.Pdu.Type == "m.room.name").ToList();
        using var snapshot = fixture.Database.OpenSnapshot();
        Assert.Equal(40, names.Count);
        Assert.All(names, e => Assert.Equal(e.Id, RoomStateReader.FindStored(snapshot, e.Stored.State, "m.room.name", "")!.EventId));
        Assert.All(names.Skip(1).Zip(names), pair => Assert.Equal(pair.Second.Stored.Nid, pair.First.Stored.Replaces));
    }

    private static Membership? MembershipOf(RoomFixture fixture, Room room, string user)
    {
        using var snapshot = fixture.Database.OpenSnapshot();
        return MembershipTable.Find(snapshot, room.Nid, UserTable.Find(snapshot, user)!.Value)?.Membership;
    }

    private static Task AddAccountAsync(RoomFixture fixture, string user) => fixture.Database.WriteAsync(db =>
    {
        using var insert = db.Prepare("INSERT INTO accounts (user, created_ts) VALUES (?, 0)").Bind(UserTable.Intern(db, user));
        insert.Run();
    });
}
