using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Purging;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

public class ThreadTests
{
    [Fact]
    public async Task Threads_come_in_the_order_of_their_newest_replies_with_what_is_said_of_them()
    {
        await using var world = await RelationFixture.StartAsync();
        var (one, two) = (await world.SendAsync(world.Alice, "one"), await world.SendAsync(world.Alice, "two"));
        await world.ReplyAsync(world.Bob, one);
        await world.ReplyAsync(world.Bob, two);
        Assert.Equal([two, one], await ListAsync(world, world.Bob));

        var latest = await world.ReplyAsync(world.Bob, one);

        var threads = await world.Bob.GetAsync($"{world.V1Path}/threads");
        Assert.Equal([one, two], RelationFixture.Ids(threads));
        var thread = RelationFixture.BundleOf(threads["chunk"][0])!.Value.GetProperty("m.thread");
        Assert.Equal(latest, thread.GetProperty("latest_event").GetProperty("event_id").GetString());
    }

    [Fact]
    public async Task Who_imitates_the_beginning_of_an_id_hides_no_thread()
    {
        await using var world = await RelationFixture.StartAsync();
        var root = await world.SendAsync(world.Alice, "root");
        await world.ReplyAsync(world.Alice, root);

        await world.ReplyAsync(world.Bob, root[..12] + new string('A', root.Length - 12));

        var threads = await world.Alice.GetAsync($"{world.V1Path}/threads");
        Assert.Equal([root], RelationFixture.Ids(threads));
        Assert.Equal(1, RelationFixture.BundleOf(threads["chunk"][0])!.Value.GetProperty("m.thread").GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task Threads_page_and_can_be_those_the_user_took_part_in()
    {
        await using var world = await RelationFixture.StartAsync();
        var roots = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            roots.Insert(0, await world.SendAsync(i == 1 ? world.Bob : world.Alice, $"{i}"));
            await world.ReplyAsync(i == 3 ? world.Bob : world.Alice, roots[0]);
        }

        Assert.Equal(roots, await ListAsync(world, world.Bob, "limit=2"));
        Assert.Equal([roots[1], roots[3]], await ListAsync(world, world.Bob, "limit=1&include=participated"));
        Assert.Equal((400, "M_INVALID_PARAM"), (await world.Bob.GetAsync($"{world.V1Path}/threads?include=some")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await world.Bob.GetAsync($"{world.V1Path}/threads?from=some")).Error);
    }

    [Fact]
    public async Task A_thread_whose_replies_are_redacted_is_none()
    {
        await using var world = await RelationFixture.StartAsync();
        var (one, two) = (await world.SendAsync(world.Alice, "one"), await world.SendAsync(world.Alice, "two"));
        await world.ReplyAsync(world.Bob, one);
        await world.ReplyAsync(world.Bob, two);
        var last = await world.ReplyAsync(world.Bob, one);

        await world.RedactAsync(world.Bob, last);
        Assert.Equal([two, one], await ListAsync(world, world.Bob));

        await world.RedactAsync(world.Bob, RelationFixture.Ids(await world.Bob.GetAsync($"{world.V1Path}/relations/{two}")).Single());
        Assert.Equal([one], await ListAsync(world, world.Bob));
    }

    [Fact]
    public async Task The_root_of_an_ignored_user_comes_redacted()
    {
        await using var world = await RelationFixture.StartAsync();
        var root = await world.SendAsync(world.Bob, "secret");
        await world.ReplyAsync(world.Alice, root);
        await RelationFixture.IgnoreAsync(world.Alice, world.Bob.UserId);

        var chunk = (await world.Alice.GetAsync($"{world.V1Path}/threads"))["chunk"];

        Assert.Equal(root, chunk[0].GetProperty("event_id").GetString());
        Assert.Equal("{}", chunk[0].GetProperty("content").ToString());
    }

    [Fact]
    public async Task A_thread_cannot_start_from_an_event_with_a_relation_but_from_a_reply()
    {
        await using var world = await RelationFixture.StartAsync();
        var root = await world.SendAsync(world.Alice, "root");
        var inThread = await world.ReplyAsync(world.Bob, root);
        var reply = (await world.Alice.PutAsync(
            $"{world.Path}/send/m.room.message/reply", $$$$"""{"body":"x","m.relates_to":{"m.in_reply_to":{"event_id":"{{{{root}}}}"}}}"""))["event_id"].GetString()!;

        Assert.Equal((400, "M_UNKNOWN"), (await world.TryRelateAsync(world.Alice, "m.thread", inThread)).Error);
        Assert.Equal((200, null), (await world.TryRelateAsync(world.Alice, "m.thread", reply)).Error);
    }

    [Fact]
    public async Task A_purge_of_history_takes_relations_and_threads_with_it()
    {
        await using var world = await RelationFixture.StartAsync();
        var root = await world.SendAsync(world.Alice, "root");
        await world.ReplyAsync(world.Bob, root);
        var old = await world.SendAsync(world.Alice, "old");
        await world.ReplyAsync(world.Bob, old);
        var kept = await world.ReplyAsync(world.Bob, root);
        await world.SendAsync(world.Alice, "end");

        long upTo;
        using (var snapshot = world.Server.Part<Database>().OpenSnapshot())
        {
            upTo = EventTable.FindPlace(snapshot, kept)!.Value.Timeline!.Value - 1;
        }

        await world.Server.Part<HistoryPurge>().DeleteAsync(world.Server.Part<RoomEngine>().Find(world.Room)!, upTo, null, CancellationToken.None);

        Assert.Empty(await ListAsync(world, world.Alice));
        using var after = world.Server.Part<Database>().OpenSnapshot();
        Assert.Empty(DatabaseCheck.Findings(after));
    }

    private static async Task<List<string>> ListAsync(RelationFixture world, TestSession asker, string query = "")
    {
        var listed = new List<string>();
        string? from = null;
        do
        {
            var page = await asker.GetAsync($"{world.V1Path}/threads?{query}" + (from is null ? "" : $"&from={from}"));
            listed.AddRange(RelationFixture.Ids(page));
            from = page.Json.TryGetProperty("next_batch", out var next) ? next.GetString() : null;
        }
        while (from is not null);
        return listed;
    }
}
