using System.Text.Json;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>What was said before a server came, or while it was away for long, comes when somebody reads back to it.</summary>
public sealed class BackfillTests
{
    [Fact]
    public async Task Whoever_reads_back_gets_what_was_before_their_server_came_each_event_once_and_in_order()
    {
        await using var shared = await SharedRoom.StartAsync();
        for (var n = 0; n < 130; n++)
        {
            await (n % 40 == 7 ? shared.SetTopicAsync("one", $"topic {n}") : shared.SayAsync("one", $"{n}"));
        }

        await shared.AddServerAsync("two");
        await shared.JoinAsync("one", "two");
        Assert.Empty(shared.Texts("two"));

        var sync = await shared.UserOf("two").GetAsync("/_matrix/client/v3/sync");
        var timeline = sync["rooms"].GetProperty("join").GetProperty(shared.Id).GetProperty("timeline");
        Assert.True(timeline.GetProperty("limited").GetBoolean());

        var (here, there) = (await ReadBackAsync(shared, "two", timeline.GetProperty("prev_batch").GetString()!), await ReadBackAsync(shared, "one", null));
        Assert.Equal(there.Skip(1), here);
        Assert.Equal(here.Count, here.Distinct().Count());

        // Not even in part does it come as news.
        var since = sync["next_batch"].GetString();
        Assert.DoesNotContain(shared.Id, (await shared.UserOf("two").GetAsync($"/_matrix/client/v3/sync?since={since}")).Body, StringComparison.Ordinal);
        Assert.Equal(here, (await ReadBackAsync(shared, "two", null)).Skip(1));
        shared.AssertSound();
    }

    [Fact]
    public async Task What_is_missing_in_the_middle_is_fetched_as_well_and_sync_tells_of_the_gap()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        await shared.TellAsync("one", "two", await shared.SayAsync("one", "before"));
        var since = (await shared.UserOf("two").GetAsync("/_matrix/client/v3/sync"))["next_batch"].GetString();
        var said = new List<string>();
        for (var n = 0; n < 300; n++)
        {
            said.Add(await shared.SayAsync("one", $"{n}"));
        }

        await shared.TellAsync("one", "two", said[^1]);
        await shared.HealedAsync("two");
        Assert.Equal("before", shared.Texts("two")[0]);
        Assert.InRange(shared.Texts("two").Count, 50, 290);

        var sync = await shared.UserOf("two").GetAsync(
            $"/_matrix/client/v3/sync?since={since}" + """&filter={"room":{"timeline":{"limit":100}}}""");
        var timeline = sync["rooms"].GetProperty("join").GetProperty(shared.Id).GetProperty("timeline");
        Assert.True(timeline.GetProperty("limited").GetBoolean());

        var read = await ReadBackAsync(shared, "two", null, until: "before");
        Assert.Equal(await ReadBackAsync(shared, "one", null, until: "before"), read);
        Assert.Equal(301, shared.Texts("two").Count);
        Assert.Null(MissingEventsTests.GapOf(shared, "two", after: 0));
        Assert.Equal(shared.State("one"), shared.State("two"));
        shared.AssertSound();
    }

    [Fact]
    public async Task Who_had_read_up_to_an_event_of_the_past_has_read_up_to_it_once_it_is_here()
    {
        await using var shared = await SharedRoom.StartAsync();
        var first = await shared.SayAsync("one", "first");
        await shared.SayAsync("one", "second");
        await shared.AddServerAsync("two");
        await shared.JoinAsync("one", "two");
        var receipt = $$$"""{"{{{shared.Id}}}":{"m.read":{"{{{shared.UserOf("one").UserId}}}":{"event_ids":["{{{first}}}"],"data":{"ts":1} } } } }""";
        await shared["two"].Part<IncomingEdus>().ReceiveAsync(
            "one", JsonElement.Parse($$"""{"edu_type":"m.receipt","content":{{receipt}}}"""), TestContext.Current.CancellationToken);

        await ReadBackAsync(shared, "two", null);

        Assert.Contains($$"""{"{{first}}":{"m.read":{""", (await shared.UserOf("two").GetAsync("/_matrix/client/v3/sync")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_nobody_answers_a_page_ends_at_the_gap_and_goes_on_from_there_later()
    {
        await using var shared = await SharedRoom.StartAsync();
        var first = await shared.SayAsync("one", "first");
        await shared.AddServerAsync("two");
        await shared.JoinAsync("one", "two");
        await shared.TellAsync("one", "two", await shared.SayAsync("one", "second"));
        shared.Network.Link("one", "two").Cut();

        var page = await PageAsync(shared, "two", null, 10);
        Assert.DoesNotContain(first, page.Body, StringComparison.Ordinal);
        var end = page["end"].GetString()!;
        Assert.Empty((await PageAsync(shared, "two", end, 10))["chunk"].EnumerateArray());

        shared.Network.Link("one", "two").Mend();
        shared["two"].Time.Advance(TimeSpan.FromHours(2));
        Assert.Contains(first, (await PageAsync(shared, "two", end, 10)).Body, StringComparison.Ordinal);
        Assert.Contains(first, (await shared.UserOf("two").GetAsync($"/_matrix/client/v3/rooms/{shared.Id}/context/{first}")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_newcomers_may_not_see_stays_hidden_from_them()
    {
        await using var shared = await SharedRoom.StartAsync(
            """{"preset":"public_chat","initial_state":[{"type":"m.room.history_visibility","state_key":"","content":{"history_visibility":"joined"}}]}""", []);
        var secret = await shared.SayAsync("one", "among us");
        await shared.AddServerAsync("two");
        await shared.JoinAsync("one", "two");

        var read = await ReadBackAsync(shared, "two", null);
        Assert.DoesNotContain(secret, read);
        Assert.DoesNotContain("among us", shared.Texts("two"));
    }

    [Fact]
    public async Task A_day_is_jumped_to_of_which_nothing_is_here_yet()
    {
        await using var shared = await SharedRoom.StartAsync();
        var ids = new List<string>();
        var times = new List<long>();
        for (var day = 0; day < 5; day++)
        {
            ids.Add(await shared.SayAsync("one", $"day {day}"));
            times.Add(shared["one"].Time.GetUtcNow().ToUnixTimeMilliseconds());
            shared["one"].Time.Advance(TimeSpan.FromDays(1));
        }

        await shared.AddServerAsync("two");
        shared["two"].Time.Advance(TimeSpan.FromDays(5));
        await shared.JoinAsync("one", "two");

        var found = await shared.UserOf("two").GetAsync(
            $"/_matrix/client/v1/rooms/{shared.Id}/timestamp_to_event?ts={times[2] + 1000}&dir=b");
        Assert.Equal(ids[2], found["event_id"].GetString());

        // What is around it comes from both sides.
        var context = await shared.UserOf("two").GetAsync($"/_matrix/client/v3/rooms/{shared.Id}/context/{ids[2]}?limit=20");
        Assert.Contains(ids[1], context.Body, StringComparison.Ordinal);
        Assert.Equal((await ReadBackAsync(shared, "one", null)).Skip(1), (await ReadBackAsync(shared, "two", null)).Skip(1));
        shared.AssertSound();
    }

    [Fact]
    public async Task What_is_redacted_before_it_comes_is_empty()
    {
        await using var shared = await SharedRoom.StartAsync();
        var regretted = await shared.SayAsync("one", "regretted");
        await shared.UserOf("one").PutAsync($"/_matrix/client/v3/rooms/{shared.Id}/redact/{regretted}/r", "{}");
        await shared.AddServerAsync("two");
        await shared.JoinAsync("one", "two");

        Assert.Contains(regretted, await ReadBackAsync(shared, "two", null));
        using var snapshot = shared["two"].Part<Database>().OpenSnapshot();
        Assert.True(EventTable.Find(snapshot, regretted)!.Parse(shared.At("two").Version).Content.ToString() is "{}");
    }

    /// <summary>The ids of all that a user gets who pages back from a token to the beginning, the newest first.</summary>
    /// <param name="from">Null: from the newest.</param>
    /// <param name="until">Text of the event to stop at.</param>
    private static async Task<List<string>> ReadBackAsync(SharedRoom shared, string server, string? from, string? until = null)
    {
        var ids = new List<string>();
        while (true)
        {
            var page = await PageAsync(shared, server, from, 30);
            foreach (var read in page["chunk"].EnumerateArray())
            {
                ids.Add(read.GetProperty("event_id").GetString()!);
                if (until is not null && read.GetProperty("content").TryGetProperty("body", out var body) && body.ValueKind == JsonValueKind.String && body.GetString() == until)
                {
                    return ids;
                }
            }

            if (!page.Body.Contains("\"end\"", StringComparison.Ordinal) || page["end"].GetString() == from)
            {
                return ids;
            }

            from = page["end"].GetString();
        }
    }

    private static Task<TestAnswer> PageAsync(SharedRoom shared, string server, string? from, int limit) => shared.UserOf(server).GetAsync(
        $"/_matrix/client/v3/rooms/{shared.Id}/messages?dir=b&limit={limit}{(from is null ? "" : $"&from={from}")}");
}
