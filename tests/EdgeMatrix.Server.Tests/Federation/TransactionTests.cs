using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Transactions of other servers, of which all that their events follow is here.</summary>
public sealed class TransactionTests
{
    [Fact]
    public async Task Users_hear_what_is_said_on_another_server()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var said = await shared.SayAsync("one", "hello");
        var answered = await shared.SayAsync("one", "is anybody there?");

        // In whatever order they stand in the transaction.
        var results = await shared.TellAsync("one", "two", answered, said);
        Assert.Equal(new Dictionary<string, string?> { [said] = null, [answered] = null }, results);
        Assert.Equal(["hello", "is anybody there?"], shared.Texts("two"));

        var sync = await shared.UserOf("two").GetAsync("/_matrix/client/v3/sync");
        Assert.Contains("is anybody there?", sync.Body, StringComparison.Ordinal);
        await shared.TellAsync("two", "one", await shared.SayAsync("two", "I am"));
        Assert.Equal(["hello", "is anybody there?", "I am"], shared.Texts("one"));
        shared.AssertSound();
    }

    [Fact]
    public async Task A_transaction_has_its_effect_once_and_the_next_one_its_own()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var (first, second) = (await shared.SayAsync("one", "first"), await shared.SayAsync("one", "second"));
        string Body(string eventId) => $$"""{"pdus":[{{SharedRoom.Text(shared.Event("one", eventId))}}]}""";

        var answer = await shared.SendAsync("one", "two", "a", Body(first));
        Assert.Equal(answer.Body, (await shared.SendAsync("one", "two", "a", Body(second))).Body);
        Assert.Equal(["first"], shared.Texts("two"));

        await shared.SendAsync("one", "two", "b", Body(second));
        await shared.RestartAsync("two");
        await shared.SendAsync("one", "two", "b", Body(second));
        Assert.Equal(["first", "second"], shared.Texts("two"));
    }

    [Fact]
    public async Task A_transaction_that_is_too_large_or_none_is_refused()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        foreach (var body in (string[])
            [
                $$"""{"pdus":[{{string.Join(',', Enumerable.Repeat("{}", 51))}}]}""",
                $$"""{"pdus":[],"edus":[{{string.Join(',', Enumerable.Repeat("{}", 101))}}]}""",
                """{"pdus":{}}""",
                """{"pdus":[],"edus":7}""",
            ])
        {
            Assert.Equal(400, (int)(await shared.SendAsync("one", "two", "a", body)).Status);
        }

        // What is no event, or no EDU, is passed over.
        var answer = await shared.SendAsync("one", "two", "a", """{"pdus":[{},7,{"room_id":"!none:x"}],"edus":[{},"x",{"edu_type":"m.typing"}]}""");
        Assert.Equal("""{"pdus":{}}""", answer.Body);
    }

    [Fact]
    public async Task What_is_of_a_room_in_which_nobody_is_or_of_a_server_that_is_denied_is_ignored_and_nothing_else()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var alice = shared.UserOf("one");
        var elsewhere = await alice.SendTextAsync(await alice.CreateRoomAsync(), "elsewhere", "e");
        var said = await shared.SayAsync("one", "here");
        Assert.Equal([said], (await shared.TellAsync("one", "two", said, elsewhere)).Keys);

        var acl = (await alice.PutAsync($"/_matrix/client/v3/rooms/{shared.Id}/state/m.room.server_acl", """{"allow":["*"],"deny":["two"]}"""))["event_id"].GetString()!;
        await shared.TellAsync("one", "two", acl);
        var late = await shared.BuildAsync("two", "two", Message("@user:two", "denied"));
        Assert.NotNull((await shared.TellAsync("two", "one", late))[late.EventId]);
        Assert.Equal(["here"], shared.Texts("one"));

        await shared.UserOf("two").PostAsync($"/_matrix/client/v3/rooms/{shared.Id}/leave", "{}");
        var after = await shared.SayAsync("one", "to nobody");
        Assert.Contains("Nobody", (await shared.TellAsync("one", "two", after))[after], StringComparison.Ordinal);
        Assert.DoesNotContain("to nobody", shared.Texts("two"));
    }

    [Fact]
    public async Task What_was_tampered_with_is_dropped_or_emptied_and_what_is_not_allowed_is_kept_from_sight()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var good = await shared.BuildAsync("one", "one", Message("@alice:one", "good"));
        var emptied = await shared.BuildAsync("one", "one", Message("@alice:one", "changed on the way"));
        var forged = await shared.BuildAsync("one", "two", Message("@alice:one", "not by alice"));
        var notAllowed = await shared.BuildAsync("one", "two", Message("@user:two", "x"));
        var (links, _) = (new EventLinks([.. good.PrevEvents.Select(id => new EventReference(id, null))], [.. notAllowed.AuthEvents.Select(id => new EventReference(id, null))], good.Depth), 0);
        var topic = shared.Build("one", "two", new EventDraft("m.room.topic", "", "@user:two", JsonContent.Of("topic", "mine")), links);

        var body = string.Join(',', SharedRoom.Text(good), SharedRoom.Text(emptied).Replace("changed", "altered", StringComparison.Ordinal), SharedRoom.Text(forged), SharedRoom.Text(topic));
        var pdus = (await shared.SendAsync("one", "two", "a", $$"""{"pdus":[{{body}}]}"""))["pdus"];

        Assert.False(pdus.GetProperty(good.EventId).TryGetProperty("error", out _));
        Assert.True(pdus.GetProperty(forged.EventId).TryGetProperty("error", out _));
        Assert.False(pdus.GetProperty(topic.EventId).TryGetProperty("error", out _));
        Assert.Equal(["", "good"], shared.Texts("two").Order());
        Assert.DoesNotContain("m.room.topic ", shared.State("two").Keys);

        var metrics = (await shared["two"].GetAsync("/metrics", "scrape")).Body;
        Assert.Contains("edgematrix_received_pdus_total{outcome=\"accepted\"} 2", metrics, StringComparison.Ordinal);
        Assert.Contains("edgematrix_received_pdus_total{outcome=\"rejected\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("edgematrix_received_pdus_total{outcome=\"dropped\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("edgematrix_waiting_pdus 0", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_branches_are_joined_by_an_event_that_nobody_sees()
    {
        await using var shared = await SharedRoom.StartAsync("two");
        var first = await shared.BuildAsync("one", "two", Message("@user:two", "0"));
        var links = new EventLinks(
            [.. first.PrevEvents.Select(id => new EventReference(id, null))], [.. first.AuthEvents.Select(id => new EventReference(id, null))], first.Depth);
        await shared.TellAsync("two", "one", [.. Enumerable.Range(0, 25).Select(n => shared.Build("one", "two", Message("@user:two", $"{n}"), links))]);
        Assert.Equal(25, shared.Extremities("one"));

        await shared["one"].UpkeepAsync(TimeSpan.FromMinutes(16));
        Assert.Equal(6, shared.Extremities("one"));
        var page = await shared.UserOf("one").GetAsync($"/_matrix/client/v3/rooms/{shared.Id}/messages?dir=b&limit=1");
        Assert.DoesNotContain("dummy", page.Body, StringComparison.Ordinal);
        Assert.Single(page["chunk"].EnumerateArray());
    }

    internal static EventDraft Message(string sender, string text) => new("m.room.message", null, sender, JsonElement.Parse($$"""{"msgtype":"m.text","body":"{{text}}"}"""));
}
