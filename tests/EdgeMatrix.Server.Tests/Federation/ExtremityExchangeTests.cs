using System.Globalization;
using System.Net;
using System.Text.Json;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Testing;
using Xunit;
using static EdgeMatrix.Server.Tests.Federation.TransactionTests;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>What was lost on its way, and is followed by nothing, comes by servers telling each other where their rooms end.</summary>
public sealed class ExtremityExchangeTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Where_a_room_ends_is_told_to_servers_that_are_in_it()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        await shared.AddServerAsync("three");
        var last = await shared.SayAsync("one", "last");

        Assert.Equal([last], (await AskAsync(shared, "two", shared.Id)).Ids);
        Assert.Equal((403, "M_FORBIDDEN"), (await AskAsync(shared, "three", shared.Id)).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await AskAsync(shared, "two", "!nowhere:one")).Error);

        await shared.UserOf("one").PutAsync(
            $"/_matrix/client/v3/rooms/{shared.Id}/state/m.room.server_acl", """{"allow":["*"],"deny":["two"]}""");
        Assert.Equal((403, "M_FORBIDDEN"), (await AskAsync(shared, "two", shared.Id)).Error);
    }

    [Fact]
    public async Task The_last_message_comes_when_a_server_that_did_not_answer_is_there_again()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        await HearAsync(shared, "one", "two");
        await shared.SayAsync("one", "lost");
        shared.Network.Link("one", "two").Cut();
        await AskAsync(shared, "two", shared.Id, "one");
        shared.Network.Link("one", "two").Mend();

        // It is heard from, and tells nothing.
        await HearAsync(shared, "one", "two");
        await UntilAsync(shared, "two", () => shared.Texts("two") is ["lost"]);
        Assert.Equal((0, 1), (shared.Waiting("two"), shared.Extremities("two")));
        shared.AssertSound();
    }

    [Fact]
    public async Task What_is_before_the_last_message_comes_with_it_however_much_that_is()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        await HearAsync(shared, "one", "two");
        for (var n = 0; n < 45; n++)
        {
            await shared.SayAsync("one", $"{n}");
        }

        await HearAfterSilenceAsync(shared, "one", "two");
        await UntilAsync(shared, "two", () => shared.Texts("two").Count == 45);
        await shared.HealedAsync("two");
        Assert.Equal(Enumerable.Range(0, 45).Select(n => $"{n}"), shared.Texts("two"));
        Assert.Equal((0, 1), (shared.Waiting("two"), shared.Extremities("two")));
    }

    [Fact]
    public async Task Whoever_was_away_itself_asks_when_it_is_started()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        await HearAsync(shared, "one", "two");
        await shared["two"].WritesSettledAsync();
        await shared.SayAsync("one", "lost");

        // For a moment: nothing is to be expected.
        await shared.RestartAsync("two");
        await PassAsync(shared, "two", TimeSpan.FromMinutes(1));
        Assert.Empty(shared.Texts("two"));

        shared["two"].Time.Advance(TimeSpan.FromHours(4));
        await shared.RestartAsync("two");
        await UntilAsync(shared, "two", () => shared.Texts("two") is ["lost"]);
    }

    [Fact]
    public async Task With_a_transaction_and_with_its_answer_servers_tell_each_other_where_the_room_ends()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var lost = await shared.SayAsync("one", "lost");
        var own = await shared.SayAsync("two", "own");

        var answer = await TellEndsAsync(shared, "one", "two", lost);
        Assert.Equal([own], ForwardExtremities.Read(answer.Json)[shared.Id]);
        await UntilAsync(shared, "two", () => shared.Texts("two").Contains("lost"));

        // Both are there now; the next answer says so, and nothing is asked any more.
        var requests = await RequestsAsync(shared, "two");
        answer = await TellEndsAsync(shared, "one", "two", lost);
        Assert.Equal(new[] { lost, own }.Order(), ForwardExtremities.Read(answer.Json)[shared.Id].Order());
        await PassAsync(shared, "two", TimeSpan.FromMinutes(10));
        Assert.Equal(requests, await RequestsAsync(shared, "two"));
    }

    [Fact]
    public async Task Ids_that_somebody_made_up_cost_a_few_requests_to_whoever_made_them_up_and_are_told_to_nobody()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var last = await shared.SayAsync("two", "last");
        var requests = await RequestsAsync(shared, "two");
        for (var n = 0; n < 10; n++)
        {
            await TellEndsAsync(shared, "one", "two", [.. Enumerable.Range(0, 100).Select(id => $"${id:D3}{new string((char)('a' + n), 40)}")]);
            await PassAsync(shared, "two", TimeSpan.FromSeconds(10));
        }

        // One for what is missing, and one for each of five that it did not bring.
        Assert.Equal(6, await RequestsAsync(shared, "two") - requests);
        var answer = await TellEndsAsync(shared, "one", "two", "$x");
        Assert.Equal([last], ForwardExtremities.Read(answer.Json)[shared.Id]);
        Assert.Equal((0, 1), (shared.Waiting("two"), shared.Extremities("two")));
    }

    [Fact]
    public async Task Nothing_is_asked_of_a_server_that_is_not_in_the_room_and_it_is_told_nothing()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        await shared.AddServerAsync("three");
        var lost = await shared.SayAsync("one", "lost");
        var requests = await RequestsAsync(shared, "two");

        var answer = await TellEndsAsync(shared, "three", "two", lost);
        Assert.Empty(ForwardExtremities.Read(answer.Json));
        await PassAsync(shared, "two", TimeSpan.FromMinutes(1));
        Assert.Equal(requests, await RequestsAsync(shared, "two"));
        Assert.Empty(shared.Texts("two"));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("\"!room:one\"")]
    [InlineData("{\"!room:one\":[]}")]
    [InlineData("{\"!room:one\":{\"timeline\":5,\"state\":[{},7,null,\"\",\"x\"]}}")]
    public async Task What_tells_of_no_end_of_a_room_is_passed_over(string extremities)
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var answer = await shared.SendAsync(
            "one", "two", "t", $$"""{"pdus":[],"forward_extremities":{{extremities.Replace("!room:one", shared.Id, StringComparison.Ordinal)}}}""");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        await PassAsync(shared, "two", TimeSpan.FromMinutes(1));
        Assert.Empty(shared.Texts("two"));
    }

    [Fact]
    public async Task The_named_events_are_among_the_missing_ones_where_that_is_asked_for()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        string[] said = [await shared.SayAsync("one", "first"), await shared.SayAsync("one", "second"), await shared.SayAsync("one", "third")];
        string Body(string rest) => $$"""{"latest_events":["{{said[2]}}"],"earliest_events":["{{said[0]}}"]{{rest}}}""";

        Assert.Equal([said[1]], await MissingAsync(shared, Body("")));
        Assert.Equal([said[1]], await MissingAsync(shared, Body(""","include_latest_events":false""")));
        Assert.Equal(said[1..], await MissingAsync(shared, Body(""","include_latest_events":true""")));
        Assert.Equal(said[2..], await MissingAsync(shared, Body(""","include_latest_events":true,"limit":1""")));
    }

    [Fact]
    public async Task A_server_that_knows_nothing_of_the_flag_is_asked_for_the_event_itself()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        string[] said = [await shared.SayAsync("one", "first"), await shared.SayAsync("one", "lost")];
        shared.Network.Join("one", new TamperedServer(shared["one"])
        {
            Change = (path, body) =>
            {
                if (path.Contains("/get_missing_events/", StringComparison.Ordinal))
                {
                    var events = body["events"]!.AsArray();
                    events.RemoveAt(events.Count - 1);
                }
            },
        });

        await TellEndsAsync(shared, "one", "two", said[1]);
        await UntilAsync(shared, "two", () => shared.Texts("two") is ["first", "lost"]);
    }

    [Fact]
    public async Task Where_one_server_has_joined_branches_the_others_have_no_need_to()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var first = await shared.BuildAsync("one", "two", Message("@user:two", "first"));
        var links = new EventLinks(
            [.. first.PrevEvents.Select(id => new EventReference(id, null))],
            [.. first.AuthEvents.Select(id => new EventReference(id, null))],
            first.Depth);
        Pdu[] branches = [.. Enumerable.Range(0, 12).Select(n => shared.Build("one", "two", Message("@user:two", $"{n}"), links))];
        await shared.TellAsync("two", "one", branches);
        await shared["two"].Part<RoomEngine>().ReceiveAsync(shared.At("two"), branches, Cancelled);
        Assert.Equal((12, 12), (shared.Extremities("one"), shared.Extremities("two")));

        await shared["one"].UpkeepAsync(TimeSpan.FromMinutes(15));
        Assert.Equal(1, shared.Extremities("one"));
        await TellEndsAsync(shared, "one", "two", [.. (await AskAsync(shared, "two", shared.Id)).Ids.OfType<string>()]);
        await UntilAsync(shared, "two", () => shared.Extremities("two") == 1);
        Assert.Equal(12, shared.Texts("two").Count);
        shared.AssertSound();
    }

    [Fact]
    public async Task Events_from_before_all_that_is_here_are_no_news()
    {
        await using var shared = await SharedRoom.StartAsync();
        var old = await shared.SayAsync("one", "old");
        await shared.SayAsync("one", "newer");
        await shared.AddServerAsync("two");
        await shared.JoinAsync("one", "two");

        await TellEndsAsync(shared, "one", "two", old);
        await PassAsync(shared, "two", TimeSpan.FromMinutes(1));
        Assert.Empty(shared.Texts("two"));
        Assert.Equal((0, 1), (shared.Waiting("two"), shared.Extremities("two")));
    }

    [Theory]
    [InlineData(HttpStatusCode.NotFound, """{"errcode":"M_UNRECOGNIZED","error":"no"}""")]
    [InlineData(HttpStatusCode.NotFound, "404 page not found")]
    [InlineData(HttpStatusCode.OK, "Welcome")]
    public async Task A_server_that_does_not_know_the_question_is_asked_once_a_day(HttpStatusCode status, string answer)
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var old = new TamperedServer(shared["one"])
        {
            Replace = path => path.Contains("msc4370", StringComparison.Ordinal)
                ? TamperedServer.Answer(status, answer)
                : null,
        };
        shared.Network.Join("one", old);
        await HearAsync(shared, "one", "two");
        foreach (var (wait, asked) in new[] { (3, 1), (3, 1), (3, 1), (24, 2) })
        {
            await HearAfterSilenceAsync(shared, "one", "two", TimeSpan.FromHours(wait));
            await PassAsync(shared, "two", TimeSpan.FromMinutes(1));
            Assert.Equal(asked, old.Asked("msc4370"));
        }
    }

    /// <summary>Has a server ask another where the room ends.</summary>
    private static async Task<(List<string?> Ids, (int Status, string? Code) Error)> AskAsync(
        SharedRoom shared, string asking, string roomId, string asked = "one")
    {
        var (json, failure) = await shared[asking].Part<FederationClient>().SendAsync(
            FederationRequest.Get(asked, $"/_matrix/federation/unstable/org.matrix.msc4370/extremities/{roomId}"), Cancelled);
        return ([.. json?.GetProperty("prev_events").EnumerateArray().Select(id => id.GetString()) ?? []], (failure?.Status ?? 200, failure?.Code));
    }

    /// <summary>Sends a transaction that has nothing in it but where the room ends.</summary>
    private static async Task<TestAnswer> TellEndsAsync(SharedRoom shared, string from, string to, params string[] ids)
    {
        var answer = await shared.SendAsync(
            from,
            to,
            Guid.NewGuid().ToString("N"),
            $$"""{"pdus":[],"forward_extremities":{"{{shared.Id}}":{"timeline":[{{string.Join(',', ids.Select(id => $"\"{id}\""))}}] } } }""");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return answer;
    }

    private static async Task HearAsync(SharedRoom shared, string from, string to) => await shared.TellAsync(from, to, (Pdu[])[]);

    private static async Task HearAfterSilenceAsync(SharedRoom shared, string from, string to, TimeSpan? silence = null)
    {
        shared[to].Time.Advance(silence ?? TimeSpan.FromHours(3));
        await HearAsync(shared, from, to);
    }

    private static async Task<List<string>> MissingAsync(SharedRoom shared, string body)
    {
        var (json, _) = await shared["two"].Part<FederationClient>().SendAsync(
            FederationRequest.Post("one", $"/_matrix/federation/v1/get_missing_events/{shared.Id}", System.Text.Encoding.UTF8.GetBytes(body)), Cancelled);
        return [.. json!.Value.GetProperty("events").EnumerateArray().Select(pdu => Pdu.Parse(
            JsonSerializer.SerializeToUtf8Bytes(pdu), shared.At("one").Version).Event!.EventId)];
    }

    /// <summary>How many requests for events a server has made.</summary>
    private static async Task<long> RequestsAsync(SharedRoom shared, string server)
    {
        const string name = "edgematrix_missing_event_requests_total ";
        var metrics = (await shared[server].GetAsync("/metrics", "scrape")).Body;
        var line = metrics.Split('\n').Single(line => line.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line[name.Length..], CultureInfo.InvariantCulture);
    }

    /// <summary>Moves a server's clock on until something is so.</summary>
    private static async Task UntilAsync(SharedRoom shared, string server, Func<bool> isSo)
    {
        for (var step = 0; step < 200 && !isSo(); step++)
        {
            await PassAsync(shared, server, TimeSpan.FromSeconds(1));
        }

        Assert.True(isSo());
    }

    /// <summary>Lets time pass for a server, and all that it has to ask be asked.</summary>
    private static async Task PassAsync(SharedRoom shared, string server, TimeSpan time)
    {
        var idle = shared[server].Part<ExtremityExchange>().IdleAsync();
        for (var passed = TimeSpan.Zero; passed < time || !idle.IsCompleted; passed += TimeSpan.FromSeconds(1))
        {
            shared[server].Time.Advance(TimeSpan.FromSeconds(1));

            // Whatever is under way is to be answered before it is late by that clock.
            await Task.WhenAny(idle, Task.Delay(50, Cancelled));
            if (idle.IsCompleted && passed < time)
            {
                shared[server].Time.Advance(time - passed);
                idle = shared[server].Part<ExtremityExchange>().IdleAsync();
                passed = time;
            }
        }

        await shared.HealedAsync(server);
    }
}
