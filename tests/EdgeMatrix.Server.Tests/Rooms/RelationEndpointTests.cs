using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

public class RelationEndpointTests
{
    [Fact]
    public async Task Children_are_listed_newest_first_by_relation_and_by_event_type()
    {
        await using var world = await RelationFixture.StartAsync();
        var parent = await world.SendAsync(world.Alice, "parent");
        var reference = await world.RelateAsync(world.Bob, "m.reference", parent);
        var reaction = await world.RelateAsync(world.Bob, "m.annotation", parent, inRelation: ""","key":"👍" """, type: "m.reaction");
        var other = await world.RelateAsync(world.Bob, "m.reference", parent, type: "org.example.vote");

        Assert.Equal([other, reaction, reference], await ListAsync(world, parent));
        Assert.Equal([reference, reaction, other], await ListAsync(world, $"{parent}?dir=f"));
        Assert.Equal([other, reference], await ListAsync(world, $"{parent}/m.reference"));
        Assert.Equal([other], await ListAsync(world, $"{parent}/m.reference/org.example.vote"));
        Assert.Empty(await ListAsync(world, $"{parent}/org.example.unknown"));
    }

    [Theory]
    [InlineData("b", false)]
    [InlineData("f", false)]
    [InlineData("b", true)]
    [InlineData("f", true)]
    public async Task Pages_follow_each_other_without_a_gap(string dir, bool recurse)
    {
        await using var world = await RelationFixture.StartAsync();
        var parent = await world.SendAsync(world.Alice, "parent");
        var sent = new List<string>();
        for (var i = 0; i < 7; i++)
        {
            sent.Add(await world.RelateAsync(world.Bob, i % 2 == 0 ? "m.reference" : "m.thread", parent));
        }

        var listed = new List<string>();
        string? from = null;
        do
        {
            var page = await world.Alice.GetAsync(
                $"{world.V1Path}/relations/{parent}?limit=3&dir={dir}&recurse={(recurse ? "true" : "false")}" + (from is null ? "" : $"&from={from}"));
            Assert.Equal(from, page.Json.TryGetProperty("prev_batch", out var before) ? before.GetString() : null);
            listed.AddRange(RelationFixture.Ids(page));
            from = page.Json.TryGetProperty("next_batch", out var next) ? next.GetString() : null;
        }
        while (from is not null);

        Assert.Equal(dir == "f" ? sent : Enumerable.Reverse(sent), listed);
    }

    [Fact]
    public async Task Recursion_goes_three_levels_deep_through_matching_events()
    {
        await using var world = await RelationFixture.StartAsync();
        var root = await world.SendAsync(world.Alice, "root");
        var reply = await world.ReplyAsync(world.Bob, root);
        var edit = await world.EditAsync(world.Bob, reply, "edited");
        var third = await world.RelateAsync(world.Alice, "m.reference", edit);
        await world.RelateAsync(world.Alice, "m.reference", third);

        var all = await world.Alice.GetAsync($"{world.V1Path}/relations/{root}?recurse=true");

        Assert.Equal([third, edit, reply], RelationFixture.Ids(all));
        Assert.Equal(3, all["recursion_depth"].GetInt32());
        Assert.Equal([reply], await ListAsync(world, $"{root}/m.thread?recurse=true"));
        Assert.Equal([reply], await ListAsync(world, root));
    }

    [Fact]
    public async Task Children_that_are_redacted_hidden_or_by_an_ignored_user_are_not_listed()
    {
        await using var world = await RelationFixture.StartAsync();
        var parent = await world.SendAsync(world.Alice, "parent");
        var kept = await world.RelateAsync(world.Alice, "m.reference", parent);
        await world.RedactAsync(world.Alice, await world.RelateAsync(world.Alice, "m.reference", parent));
        await world.RelateAsync(world.Bob, "m.reference", parent);
        await RelationFixture.IgnoreAsync(world.Alice, world.Bob.UserId);
        Assert.Equal([kept], await ListAsync(world, parent));

        await world.Bob.PostAsync($"{world.Path}/leave", "{}");
        var hidden = await world.RelateAsync(world.Alice, "m.reference", parent);

        Assert.DoesNotContain(hidden, RelationFixture.Ids(await world.Bob.GetAsync($"{world.V1Path}/relations/{parent}")));
    }

    [Fact]
    public async Task The_parent_must_be_there_and_visible()
    {
        await using var world = await RelationFixture.StartAsync();
        var mallory = await world.Server.RegisterAsync("mallory");
        var parent = await world.SendAsync(world.Alice, "parent");

        Assert.Equal((404, "M_NOT_FOUND"), (await world.Alice.GetAsync($"{world.V1Path}/relations/$none")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await mallory.GetAsync($"{world.V1Path}/relations/{parent}")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await world.Alice.GetAsync($"{world.V1Path}/relations/{parent}?from=x")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await world.Alice.GetAsync($"{world.V1Path}/relations/{parent}?dir=x")).Error);
    }

    [Fact]
    public async Task Of_two_annotations_alike_at_once_one_is_taken()
    {
        await using var world = await RelationFixture.StartAsync();
        var parent = await world.SendAsync(world.Alice, "hello");
        using var held = new HeldWriter(world.Server.Part<Database>());

        var both = new[] { React("1"), React("2") };
        await Task.Delay(100);
        held.Release();

        var errors = (await Task.WhenAll(both)).Select(answer => answer.Error).Order();
        Assert.Equal([(200, null), (400, "M_DUPLICATE_ANNOTATION")], errors);

        Task<TestAnswer> React(string txnId) => Task.Run(() => world.Bob.PutAsync(
            $"{world.Path}/send/m.reaction/{txnId}", $$$"""{"m.relates_to":{"rel_type":"m.annotation","event_id":"{{{parent}}}","key":"!"} }"""));
    }

    [Fact]
    public async Task A_second_annotation_of_one_kind_is_refused_until_the_first_is_redacted()
    {
        await using var world = await RelationFixture.StartAsync();
        var parent = await world.SendAsync(world.Alice, "parent");
        Task<TestAnswer> ReactAsync(TestSession who, string key, string type = "m.reaction") =>
            world.TryRelateAsync(who, "m.annotation", parent, inRelation: $""","key":"{key}" """, type: type);
        var first = (await ReactAsync(world.Bob, "👍"))["event_id"].GetString()!;

        Assert.Equal((400, "M_DUPLICATE_ANNOTATION"), (await ReactAsync(world.Bob, "👍")).Error);
        Assert.Equal(200, (int)(await ReactAsync(world.Bob, "👎")).Status);
        Assert.Equal(200, (int)(await ReactAsync(world.Alice, "👍")).Status);
        Assert.Equal(200, (int)(await ReactAsync(world.Bob, "👍", "org.example.reaction")).Status);

        await world.RedactAsync(world.Bob, first);
        Assert.Equal(200, (int)(await ReactAsync(world.Bob, "👍")).Status);
    }

    [Fact]
    public async Task A_relation_that_makes_no_sense_is_an_event_like_any_other()
    {
        await using var world = await RelationFixture.StartAsync();
        foreach (var relation in (string[])["7", """{"rel_type":7,"event_id":"$a"}""", """{"rel_type":"m.thread"}""", """{"rel_type":"m.annotation","event_id":"$a","key":[]}"""])
        {
            world.Server.Time.Advance(TimeSpan.FromMilliseconds(1));
            var answer = await world.Alice.PutAsync($"{world.Path}/send/m.room.message/t{relation.Length}", $$"""{"body":"x","m.relates_to":{{relation}}}""");
            Assert.Equal((200, null), answer.Error);
        }
    }

    private static async Task<List<string>> ListAsync(RelationFixture world, string path) =>
        RelationFixture.Ids(await world.Alice.GetAsync($"{world.V1Path}/relations/{path}"));
}
