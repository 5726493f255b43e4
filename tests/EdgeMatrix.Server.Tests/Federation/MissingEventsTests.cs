using System.Net;
using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;
using static EdgeMatrix.Server.Tests.Federation.TransactionTests;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Events that come before what they follow.</summary>
public sealed class MissingEventsTests
{
    [Fact]
    public async Task Who_came_in_on_a_branch_that_is_not_here_is_heard_and_is_in_the_room()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var carol = await BranchAsync(shared);

        await shared.TellAsync("two", "three", await carol.SendTextAsync(shared.Id, "late", "2"));
        await shared.HealedAsync("three");

        Assert.Contains("late", shared.Texts("three"));
        Assert.Equal(shared.State("two"), shared.State("three"));
        shared.AssertSound();
    }

    [Fact]
    public async Task A_state_of_which_an_event_was_lost_on_the_way_is_asked_for_again()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        await BranchAsync(shared);
        var lost = 0;
        var two = new TamperedServer(shared["two"])
        {
            Replace = path => path.Contains("/event/", StringComparison.Ordinal) && Interlocked.Increment(ref lost) == 1
                ? TamperedServer.Answer(HttpStatusCode.BadGateway, "{}")
                : null,
        };
        shared.Network.Join("two", two);

        await shared.TellAsync("two", "three", await shared.SayAsync("two", "late"));
        await shared.HealedAsync("three");
        Assert.Equal(1, two.Asked("/event/"));
        for (var wait = 0; wait < 12 && shared.Waiting("three") > 0; wait++)
        {
            shared["three"].Time.Advance(TimeSpan.FromMinutes(10));
            await shared.HealedAsync("three");
        }

        Assert.Contains("late", shared.Texts("three"));
        Assert.Equal(shared.State("two"), shared.State("three"));
    }

    /// <summary>Has Carol come in on two, while three comes in behind more than she did; two knows of both.</summary>
    private static async Task<TestSession> BranchAsync(SharedRoom shared)
    {
        var carol = await shared["two"].RegisterAsync("carol");
        await carol.PostAsync($"/_matrix/client/v3/join/{shared.Id}", "{}");
        await carol.SendTextAsync(shared.Id, "before three came", "1");
        await shared.SetTopicAsync("one", "topic");
        foreach (var type in new[] { "m.room.name", "org.edgematrix.a", "org.edgematrix.b" })
        {
            await shared.UserOf("one").PutAsync($"/_matrix/client/v3/rooms/{shared.Id}/state/{type}", """{"name":"n"}""");
        }

        await shared.AddServerAsync("three");
        await shared.TellAsync("one", "two", await shared.JoinAsync("one", "three"));
        await shared.HealedAsync("two");
        return carol;
    }

    [Fact]
    public async Task What_an_event_follows_is_fetched_from_its_server_in_the_order_of_the_room()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var said = new List<string>();
        for (var n = 0; n < 45; n++)
        {
            said.Add(await shared.SayAsync("one", $"{n}"));
        }

        Assert.Null((await shared.TellAsync("one", "two", said[^1]))[said[^1]]);
        await shared.HealedAsync("two");

        Assert.Equal(Enumerable.Range(0, 45).Select(n => $"{n}"), shared.Texts("two"));
        Assert.Equal((0, 1), (shared.Waiting("two"), shared.Extremities("two")));
        shared.AssertSound();
    }

    [Fact]
    public async Task What_waits_is_kept_over_a_restart_and_fetched_as_soon_as_its_server_is_there()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        await shared.SayAsync("one", "missed");
        var last = await shared.SayAsync("one", "last");
        await CutAsync(shared);
        await shared.TellAsync("one", "two", last);
        await shared.HealedAsync("two");
        Assert.Equal((0, 1L), (shared.Texts("two").Count, shared.Waiting("two")));

        // Neither sent again, nor woken by anything else.
        await shared.RestartAsync("two");
        await shared.HealedAsync("two");
        Assert.Equal(1, shared.Waiting("two"));
        shared.Network.Link("one", "two").Mend();
        for (var wait = 0; wait < 12 && shared.Waiting("two") > 0; wait++)
        {
            shared["two"].Time.Advance(TimeSpan.FromMinutes(10));
            await shared.HealedAsync("two");
        }

        Assert.Equal(["missed", "last"], shared.Texts("two"));
        Assert.Equal(0, shared.Waiting("two"));
    }

    [Fact]
    public async Task Another_server_in_the_room_is_asked_where_the_sender_is_not_to_be_reached()
    {
        await using var shared = await SharedRoom.StartAsync("two", "three");
        var said = await shared.SayAsync("one", "missed");
        var last = await shared.SayAsync("one", "last");
        await shared.TellAsync("one", "three", [.. JoinsOf(shared, "two"), said, last]);
        await shared.HealedAsync("three");
        await shared.TellAsync("one", "two", [.. JoinsOf(shared, "three")]);
        await shared.HealedAsync("two");

        await CutAsync(shared);
        await shared.TellAsync("one", "two", last);
        await shared.HealedAsync("two");
        Assert.Equal(["missed", "last"], shared.Texts("two"));
    }

    [Fact]
    public async Task Over_a_gap_that_is_too_wide_the_state_is_told_and_what_was_set_in_it_holds()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        await shared.SetTopicAsync("one", "set in the gap");
        for (var n = 0; n < 260; n++)
        {
            await shared.SayAsync("one", $"{n}");
        }

        var last = await shared.SayAsync("one", "last");
        await shared.TellAsync("one", "two", last);
        await shared.HealedAsync("two");

        var texts = shared.Texts("two");
        Assert.Equal("last", texts[^1]);
        Assert.InRange(texts.Count, 100, 259);
        Assert.Equal(shared.State("one"), shared.State("two"));
        Assert.NotNull(GapOf(shared, "two", after: 0));

        // Both branches are followed by the next event.
        Assert.Equal(2, shared.Extremities("two"));
        await shared.TellAsync("two", "one", await shared.SayAsync("two", "together"));
        Assert.Equal((1, 1), (shared.Extremities("one"), shared.Extremities("two")));
        Assert.Equal(shared.State("one"), shared.State("two"));
        shared.AssertSound();
    }

    [Fact]
    public async Task Where_nobody_tells_the_state_at_an_event_that_after_the_one_before_it_is_told()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var one = new TamperedServer(shared["one"]);
        var refused = "";
        one.Replace = path =>
        {
            if (!path.Contains("/state_ids/", StringComparison.Ordinal) || (refused.Length > 0 && refused != path))
            {
                return null;
            }

            refused = path;
            return TamperedServer.Answer(HttpStatusCode.NotFound, """{"errcode":"M_NOT_FOUND","error":"No"}""");
        };
        shared.Network.Join("one", one);
        await shared.SetTopicAsync("one", "set in the gap");
        for (var n = 0; n < 260; n++)
        {
            await shared.SayAsync("one", $"{n}");
        }

        await shared.TellAsync("one", "two", await shared.SayAsync("one", "last"));
        await shared.HealedAsync("two");

        Assert.Equal(2, one.Asked("/state_ids/"));
        Assert.Equal("last", shared.Texts("two")[^1]);
        Assert.Equal(shared.State("one"), shared.State("two"));
        shared.AssertSound();
    }

    [Fact]
    public async Task An_event_with_ancestors_that_nobody_has_waits_and_holds_up_nothing_else()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var made = await shared.BuildAsync("one", "one", Message("@alice:one", "of nothing"));
        var nowhere = new EventReference("$" + new string('A', 43), null);
        var links = new EventLinks([nowhere], [.. made.AuthEvents.Select(id => new EventReference(id, null))], 1L << 40);
        var absurd = Enumerable.Range(0, 45).Select(n => shared.Build("one", "one", Message("@alice:one", $"{n}"), links)).ToArray();
        await shared.TellAsync("one", "two", absurd);
        await shared.HealedAsync("two");
        Assert.Equal(45, shared.Waiting("two"));

        await shared.SayAsync("one", "missed");
        var last = await shared.SayAsync("one", "last");
        await shared.TellAsync("one", "two", last);
        shared["two"].Time.Advance(TimeSpan.FromSeconds(2));
        await shared.HealedAsync("two");
        Assert.Equal(["missed", "last"], shared.Texts("two"));

        // After a day it is given up.
        for (var hour = 0; hour < 30 && shared.Waiting("two") > 0; hour++)
        {
            shared["two"].Time.Advance(TimeSpan.FromHours(1));
            await shared.HealedAsync("two");
        }

        Assert.Equal(0, shared.Waiting("two"));
        shared.AssertSound();
    }

    [Fact]
    public async Task What_allows_an_event_is_fetched_as_well()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var before = await shared.BuildAsync("one", "one", Message("@alice:one", "as before"));
        await shared.UserOf("one").PutAsync("/_matrix/client/v3/profile/@alice:one/displayname", """{"displayname":"Alice, renamed"}""");
        var after = await shared.BuildAsync("one", "one", Message("@alice:one", "renamed"));
        Assert.NotEqual(before.AuthEvents.Order(), after.AuthEvents.Order());
        var links = new EventLinks(
            [.. before.PrevEvents.Select(id => new EventReference(id, null))], [.. after.AuthEvents.Select(id => new EventReference(id, null))], before.Depth);
        var beside = shared.Build("one", "one", Message("@alice:one", "beside"), links);
        await shared["one"].Part<RoomEngine>().ReceiveAsync(shared.At("one"), [beside], TestContext.Current.CancellationToken);

        await shared.TellAsync("one", "two", beside);
        await shared.HealedAsync("two");
        Assert.Equal(["beside"], shared.Texts("two"));
        shared.AssertSound();
    }

    [Fact]
    public async Task What_another_server_tells_of_the_state_takes_nothing_from_what_is_known_here()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        await shared.TellAsync("two", "one", (Pdu[])[]);

        // Two tells of a room in which Alice is no more than anybody, by what was there before her power levels.
        var state = shared.State("one");
        var told = state.Where(entry => !entry.Key.StartsWith("m.room.power_levels", StringComparison.Ordinal)).Select(entry => entry.Value).ToList();
        var liar = new LyingServer(told);
        shared.Network.Join("two", liar);
        var made = await shared.BuildAsync("one", "two", Message("@user:two", "out of nowhere"));
        var links = new EventLinks(
            [new EventReference("$" + new string('A', 43), null)], [.. made.AuthEvents.Select(id => new EventReference(id, null))], made.Depth);
        await shared.TellAsync("two", "one", shared.Build("one", "two", Message("@user:two", "out of nowhere"), links));
        await shared.HealedAsync("one");

        Assert.True(liar.WasAsked);
        Assert.Equal(0, shared.Waiting("one"));
        Assert.Equal(state, shared.State("one"));
    }

    [Fact]
    public async Task An_event_of_a_told_state_that_was_never_allowed_is_left_out_of_it()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        await shared.TellAsync("two", "one", (Pdu[])[]);

        // Two gives its user power, which that user may not do.
        var state = shared.State("one");
        var made = await shared.BuildAsync("one", "two", Message("@user:two", "out of nowhere"));
        var links = new EventLinks(
            [new EventReference("$" + new string('A', 43), null)], [.. made.AuthEvents.Select(id => new EventReference(id, null))], made.Depth);
        var seized = shared.Build(
            "one", "two", new EventDraft("m.room.power_levels", "", "@user:two", JsonElement.Parse("""{"users":{"@user:two":100}}""")), links);
        var told = state.Where(entry => !entry.Key.StartsWith("m.room.power_levels", StringComparison.Ordinal)).Select(entry => entry.Value);
        shared.Network.Join("two", new LyingServer([.. told, seized.EventId], seized));
        await shared.TellAsync("two", "one", shared.Build("one", "two", Message("@user:two", "out of nowhere"), links));
        await shared.HealedAsync("one");

        Assert.Equal(["out of nowhere"], shared.Texts("one"));
        Assert.Equal(state, shared.State("one"));
        shared.AssertSound();
    }

    [Fact]
    public async Task A_server_makes_no_more_wait_than_it_may()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        await CutAsync(shared);
        var made = await shared.BuildAsync("one", "one", Message("@alice:one", "of nothing"));
        var nowhere = new EventReference("$" + new string('A', 43), null);
        var links = new EventLinks([nowhere], [.. made.AuthEvents.Select(id => new EventReference(id, null))], 2);
        for (var transaction = 0; transaction < 3; transaction++)
        {
            var absurd = Enumerable.Range(0, 50).Select(n => shared.Build("one", "one", Message("@alice:one", $"{transaction} {n}"), links)).ToArray();
            await shared.TellAsync("one", "two", absurd);
        }

        Assert.Equal(WaitingEventTable.MostOfOrigin, shared.Waiting("two"));
    }

    /// <summary>From now on two does not reach one, whose keys it knows.</summary>
    private static async Task CutAsync(SharedRoom shared)
    {
        await shared.TellAsync("one", "two", (Pdu[])[]);
        shared.Network.Link("one", "two").Cut();
    }

    /// <summary>Tells the same state before any event, and one event, and nothing else.</summary>
    private sealed class LyingServer(IReadOnlyList<string> state, Pdu? known = null) : HttpMessageHandler
    {
        public bool WasAsked { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var path = Uri.UnescapeDataString(request.RequestUri!.AbsolutePath);
            WasAsked |= path.Contains("/state_ids/", StringComparison.Ordinal);
            var body = path.Contains("/state_ids/", StringComparison.Ordinal)
                ? $$"""{"pdu_ids":[{{string.Join(',', state.Select(id => $"\"{id}\""))}}],"auth_chain_ids":[]}"""
                : path.Contains("/get_missing_events/", StringComparison.Ordinal) ? """{"events":[]}"""
                : known is not null && path.EndsWith("/event/" + known.EventId, StringComparison.Ordinal)
                    ? $$"""{"origin":"two","origin_server_ts":1,"pdus":[{{System.Text.Encoding.UTF8.GetString(known.Json.Span)}}]}"""
                : null;
            return Task.FromResult(TamperedServer.Answer(
                body is null ? HttpStatusCode.NotFound : HttpStatusCode.OK, body ?? """{"errcode":"M_NOT_FOUND","error":"No"}"""));
        }
    }

    internal static TimelineGap? GapOf(SharedRoom shared, string server, long after)
    {
        using var snapshot = shared[server].Part<Database>().OpenSnapshot();
        return BackwardExtremityTable.Newest(snapshot, shared.At(server).Nid, after, long.MaxValue) is { } gap && gap.Low > 0 ? gap : null;
    }

    /// <summary>The ids of the joins of servers, as one has them.</summary>
    private static IEnumerable<string> JoinsOf(SharedRoom shared, params string[] servers) =>
        servers.Select(server => shared.State("one")[$"m.room.member @user:{server}"]);
}
