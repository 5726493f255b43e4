using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Storage.Rooms;
using Xunit;
using static EdgeMatrix.Rooms.Tests.NeighbourFixture;

namespace EdgeMatrix.Rooms.Tests;

public sealed class ReceivedEventTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    [InlineData("6")]
    [InlineData("10")]
    [InlineData("11")]
    [InlineData("12")]
    public async Task Users_of_two_servers_talk_in_one_room(string version)
    {
        await using var both = await MeetAsync(version);
        await both.SendAsync(both.A, "one");
        await both.TellAsync(both.A);
        await both.SendAsync(both.B, "two");
        await both.TellAsync(both.B);

        Assert.Equal(["one", "two"], both.Texts(both.A));
        Assert.Equal(["one", "two"], both.Texts(both.B));
        Assert.Equal((1, 1), (both.Extremities(both.A), both.Extremities(both.B)));
        Assert.Equal((2, Membership.Join), both.Members(both.B));
        both.AssertAlike();
    }

    [Theory]
    [InlineData("1")]
    [InlineData("10")]
    [InlineData("12")]
    public async Task What_was_set_on_both_sides_of_a_cut_is_the_same_on_both_after_it(string version)
    {
        await using var both = await MeetAsync(version);
        await both.SendAsync(both.A, Topic(Alice, "of A"));
        await both.SendAsync(both.A, new EventDraft("m.room.power_levels", "", Alice, JsonElement.Parse(Powers(version))));
        await both.MeetAgainAsync();

        await both.SendAsync(both.A, Topic(Alice, "of A, later"));
        await both.SendAsync(both.B, Topic(Bob, "of B"));
        await both.SendAsync(both.B, Topic(Bob, "of B, later"));
        await both.SendAsync(both.A, "A alone");
        await both.MeetAgainAsync();

        Assert.Equal((2, 2), (both.Extremities(both.A), both.Extremities(both.B)));
        both.AssertAlike();

        await both.SendAsync(both.B, "together again");
        await both.MeetAgainAsync();
        Assert.Equal((1, 1), (both.Extremities(both.A), both.Extremities(both.B)));
        both.AssertAlike();
    }

    [Fact]
    public async Task What_the_banned_say_beside_the_ban_is_kept_from_sight_and_from_the_extremities()
    {
        await using var both = await MeetAsync();
        await both.SendAsync(both.A, new EventDraft("m.room.member", Bob, Alice, JsonContent.Of("membership", "ban")));
        await both.SendAsync(both.B, "as if nothing had been");

        Assert.Equal(ReceiptOutcome.SoftFailed, (await both.TellAsync(both.B))[^1].Outcome);
        Assert.Empty(both.Texts(both.A));
        Assert.Equal(1, both.Extremities(both.A));
        await both.TellAsync(both.A);
        Assert.Equal(Membership.Ban, both.Members(both.B).OfBob);
        both.AssertAlike();
    }

    [Fact]
    public async Task What_the_state_before_it_does_not_allow_is_rejected_and_may_be_followed()
    {
        await using var both = await MeetAsync();
        var draft = Topic(Bob, "not his to set");
        var (links, _) = await both.A.Engine.LinksAsync(both.AtA, Message(Bob, "allowed"), Cancelled);
        var rejected = Build(both.B, both.AtB, draft, links!);
        var follower = Build(both.B, both.AtB, Message(Bob, "after it"), links! with { PrevEvents = [EventReference.To(rejected)], Depth = links.Depth + 1 });

        var receptions = await both.A.Engine.ReceiveAsync(both.AtA, [rejected, follower], Cancelled);

        Assert.Equal([ReceiptOutcome.Rejected, ReceiptOutcome.Accepted], receptions.Select(reception => reception.Outcome));
        Assert.Equal(["after it"], both.Texts(both.A));
        Assert.False(both.State(both.A).ContainsKey("m.room.topic "));
    }

    [Fact]
    public async Task An_event_that_follows_what_is_not_here_waits_and_says_for_what()
    {
        await using var both = await MeetAsync();
        var first = await both.SendAsync(both.B, "first");
        var second = await both.SendAsync(both.B, "second");
        var pdus = both.B.Timeline(both.AtB).Select(e => e.Pdu).ToDictionary(pdu => pdu.EventId);

        var early = Assert.Single(await both.A.Engine.ReceiveAsync(both.AtA, [pdus[second]], Cancelled));
        Assert.Null(early.Outcome);
        Assert.Equal([first], early.Missing.Prev);
        Assert.Empty(early.Missing.Auth);
        Assert.Empty(both.Texts(both.A));

        Assert.All(await both.A.Engine.ReceiveAsync(both.AtA, [pdus[first], pdus[second]], Cancelled), one => Assert.Equal(ReceiptOutcome.Accepted, one.Outcome));
        Assert.Equal(["first", "second"], both.Texts(both.A));

        // Again changes nothing.
        await both.A.Engine.ReceiveAsync(both.AtA, [pdus[first], pdus[second]], Cancelled);
        Assert.Equal(["first", "second"], both.Texts(both.A));
        both.AssertAlike();
    }

    [Fact]
    public async Task An_event_follows_as_many_others_as_an_event_may_and_the_next_follows_the_rest()
    {
        await using var both = await MeetAsync();
        var (links, _) = await both.A.Engine.LinksAsync(both.AtA, Message(Bob, ""), Cancelled);
        var beside = Enumerable.Range(0, 25).Select(n => Build(both.B, both.AtB, Message(Bob, $"{n}"), links!)).ToList();
        await both.A.Engine.ReceiveAsync(both.AtA, beside, Cancelled);
        Assert.Equal(25, both.Extremities(both.A));

        await both.SendAsync(both.A, "after 20");
        Assert.Equal(6, both.Extremities(both.A));
        await both.SendAsync(both.A, "after all");
        Assert.Equal(1, both.Extremities(both.A));
        Assert.Equal([20, 6], both.A.Timeline(both.AtA).TakeLast(2).Select(e => e.Pdu.PrevEvents.Count));
    }

    [Fact]
    public async Task An_event_of_another_room_is_no_event_of_this_one()
    {
        await using var both = await MeetAsync();
        var other = await both.A.CreateAsync(Alice, new CreateRoomRequest { Preset = "public_chat" });
        var (links, _) = await both.A.Engine.LinksAsync(other, Message(Alice, "elsewhere"), Cancelled);
        var elsewhere = Build(both.A, other, Message(Alice, "elsewhere"), links!);

        Assert.Equal(ReceiptOutcome.Dropped, Assert.Single(await both.A.Engine.ReceiveAsync(both.AtA, [elsewhere], Cancelled)).Outcome);
        Assert.Empty(both.Texts(both.A));
    }

    [Fact]
    public async Task A_room_is_not_entered_by_a_state_that_lacks_what_allows_it_and_nothing_of_it_stays()
    {
        await using var both = await MeetAsync();
        var other = await both.A.CreateAsync(Alice, new CreateRoomRequest { Preset = "public_chat" });
        var draft = new EventDraft("m.room.member", Bob, Bob, JsonContent.Of("membership", "join"));
        var join = await BuildAsync(both.A, other, both.B, draft);
        var state = both.A.Timeline(other).Select(e => e.Pdu).ToList();
        var ofThis = both.A.Timeline(both.AtA).Where(e => e.Pdu.IsState).Select(e => e.Pdu).ToList();

        Assert.NotNull((await both.B.Engine.EnterAsync(join, state, [], servers: null)).Refusal);
        Assert.NotNull((await both.B.Engine.EnterAsync(join, state, state[2..], servers: null)).Refusal);
        Assert.NotNull((await both.B.Engine.EnterAsync(join, ofThis, ofThis, servers: null)).Refusal);
        Assert.Null(both.B.Engine.Find(other.Id));
        both.AssertAlike();

        Assert.Null((await both.B.Engine.EnterAsync(join, state, state, servers: null)).Refusal);
    }

    [Fact]
    public async Task A_server_that_is_in_a_room_does_not_take_its_state_from_another()
    {
        await using var both = await MeetAsync();
        await both.SendAsync(both.B, "kept");
        var state = both.A.Timeline(both.AtA).Where(e => e.Pdu.IsState).Select(e => e.Pdu).ToList();
        var join = await BuildAsync(
            both.A, both.AtA, both.B, new EventDraft("m.room.member", "@dora:b", "@dora:b", JsonContent.Of("membership", "join")));

        Assert.NotNull((await both.B.Engine.EnterAsync(join, state, state, servers: null)).Refusal);
        Assert.Equal(["kept"], both.Texts(both.B));
        Assert.Equal(ReceiptOutcome.Accepted, Assert.Single(await both.B.Engine.ReceiveAsync(both.AtB, [join], Cancelled)).Outcome);
    }

    [Fact]
    public async Task A_redaction_that_comes_first_empties_the_event_that_comes_later()
    {
        await using var both = await MeetAsync();
        var (links, _) = await both.A.Engine.LinksAsync(both.AtA, Message(Bob, "regretted"), Cancelled);
        var regretted = Build(both.B, both.AtB, Message(Bob, "regretted"), links!);
        var redaction = Build(both.B, both.AtB, new EventDraft("m.room.redaction", null, Bob, JsonElement.Parse("{}"), regretted.EventId), links!);

        await both.A.Engine.ReceiveAsync(both.AtA, [redaction], Cancelled);
        await both.A.Engine.ReceiveAsync(both.AtA, [regretted], Cancelled);

        Assert.Equal([""], both.Texts(both.A));
        Assert.True(both.A.Timeline(both.AtA).Single(e => e.Id == regretted.EventId).Stored.Flags.HasFlag(EventFlags.Redacted));
    }

    [Fact]
    public async Task Who_leaves_and_joins_again_finds_the_room_as_it_is_by_then()
    {
        await using var both = await MeetAsync();
        await both.SendAsync(both.B, new EventDraft("m.room.member", Bob, Bob, JsonContent.Of("membership", "leave")));
        await both.TellAsync(both.B);
        await both.SendAsync(both.A, Topic(Alice, "meanwhile"));
        await JoinAsync(both.A, both.AtA, both.B, Bob);

        Assert.Equal(Membership.Join, both.Members(both.B).OfBob);
        both.AssertAlike();
        await both.SendAsync(both.B, "back");
        await both.TellAsync(both.B);
        Assert.Equal(["back"], both.Texts(both.A));
    }

    [Theory]
    [InlineData(1, "12")]
    [InlineData(2, "12")]
    [InlineData(3, "11")]
    [InlineData(4, "10")]
    [InlineData(5, "2")]
    [InlineData(6, "1")]
    public async Task Whatever_two_servers_do_apart_they_agree_on_once_they_have_met(int seed, string version)
    {
        await using var both = await MeetAsync(version);
        await both.SendAsync(both.A, new EventDraft("m.room.power_levels", "", Alice, JsonElement.Parse(Powers(version))));
        await both.MeetAgainAsync();
        var random = new Random(seed);
        for (var step = 0; step < 120; step++)
        {
            var (server, user) = random.Next(2) == 0 ? (both.A, Alice) : (both.B, Bob);
            both.A.Time.Advance(TimeSpan.FromMilliseconds(random.Next(50)));
            both.B.Time.Advance(TimeSpan.FromMilliseconds(random.Next(50)));
            var draft = random.Next(8) switch
            {
                0 or 1 => Topic(user, $"{step}"),
                2 => new EventDraft("m.room.name", "", user, JsonContent.Of("name", $"{step}")),
                3 => new EventDraft("m.room.join_rules", "", user, JsonContent.Of("join_rule", random.Next(2) == 0 ? "public" : "invite")),
                4 => new EventDraft("m.room.member", $"@guest{random.Next(5)}:c", user, JsonContent.Of("membership", random.Next(2) == 0 ? "invite" : "ban")),
                5 => new EventDraft("m.room.member", $"@guest{random.Next(5)}:c", user, JsonContent.Of("membership", "leave")),
                _ => Message(user, $"{step}"),
            };

            // Some of it the room does not allow: what matters is that both judge alike.
            await server.Engine.SendAsync(both.RoomOf(server), draft, null, Cancelled);
            if (random.Next(6) == 0)
            {
                await both.TellAsync(random.Next(2) == 0 ? both.A : both.B);
            }
        }

        foreach (var reception in await both.MeetAgainAsync())
        {
            Assert.False(reception.Missing.Any);
        }

        // What one has not taken, the other learns of by nothing; but the states of both are of the same events.
        both.AssertAlike();
    }

    private static EventDraft Topic(string sender, string topic) => new("m.room.topic", "", sender, JsonContent.Of("topic", topic));

    private static EventDraft Message(string sender, string text) => new("m.room.message", null, sender, JsonContent.Of("body", text));

    // The creator of version 12 has more power than any number, and is not to be named.
    private static string Powers(string version) =>
        version == "12" ? """{"users":{"@bob:b":100}}""" : """{"users":{"@alice:a":100,"@bob:b":100}}""";
}
