using System.Text.Json;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

public class BundledRelationTests
{
    [Fact]
    public async Task An_event_comes_with_its_newest_edit_whole_and_keeps_its_own_content()
    {
        await using var world = await RelationFixture.StartAsync();
        var original = await world.SendAsync(world.Alice, "first");
        await world.EditAsync(world.Alice, original, "second");
        var newest = await world.EditAsync(world.Alice, original, "third");

        var answer = await world.Bob.GetAsync($"{world.Path}/event/{original}");

        Assert.Equal("first", answer["content"].GetProperty("body").GetString());
        var edit = RelationFixture.BundleOf(answer.Json)!.Value.GetProperty("m.replace");
        Assert.Equal(newest, edit.GetProperty("event_id").GetString());
        Assert.Equal("third", edit.GetProperty("content").GetProperty("m.new_content").GetProperty("body").GetString());
        Assert.Equal(world.Alice.UserId, edit.GetProperty("sender").GetString());
    }

    [Fact]
    public async Task An_edit_that_is_not_valid_is_not_bundled()
    {
        await using var world = await RelationFixture.StartAsync();
        var original = await world.SendAsync(world.Alice, "first");

        await world.EditAsync(world.Bob, original, "by another");
        await world.RelateAsync(world.Alice, "m.replace", original);
        await world.RelateAsync(world.Alice, "m.replace", original, ""","m.new_content":{}""", type: "org.example.other");
        await world.Alice.PutAsync(
            $"{world.Path}/state/m.room.message/x", $$$"""{"m.new_content":{},"m.relates_to":{"rel_type":"m.replace","event_id":"{{{original}}}"}}""");

        Assert.Null(await world.BundleAsync(world.Bob, original));
    }

    [Fact]
    public async Task An_edit_of_an_edit_is_not_bundled_and_neither_is_one_of_a_redacted_event()
    {
        await using var world = await RelationFixture.StartAsync();
        var original = await world.SendAsync(world.Alice, "first");
        var edit = await world.EditAsync(world.Alice, original, "second");
        await world.EditAsync(world.Alice, edit, "third");
        Assert.Null(await world.BundleAsync(world.Bob, edit));

        await world.RedactAsync(world.Alice, original);

        Assert.Null(await world.BundleAsync(world.Bob, original));
    }

    [Fact]
    public async Task A_redacted_child_leaves_its_parent()
    {
        await using var world = await RelationFixture.StartAsync();
        var original = await world.SendAsync(world.Alice, "first");
        var second = await world.EditAsync(world.Alice, original, "second");
        var third = await world.EditAsync(world.Alice, original, "third");
        var reference = await world.RelateAsync(world.Bob, "m.reference", original);
        var reply = await world.ReplyAsync(world.Bob, original);

        await world.RedactAsync(world.Alice, third);
        await world.RedactAsync(world.Bob, reference);
        await world.RedactAsync(world.Bob, reply);

        var bundle = (await world.BundleAsync(world.Bob, original))!.Value;
        Assert.Equal(second, bundle.GetProperty("m.replace").GetProperty("event_id").GetString());
        Assert.False(bundle.TryGetProperty("m.reference", out _));
        Assert.False(bundle.TryGetProperty("m.thread", out _));
    }

    [Fact]
    public async Task References_are_listed_and_reactions_are_not_aggregated()
    {
        await using var world = await RelationFixture.StartAsync();
        var poll = await world.SendAsync(world.Alice, "poll");
        var one = await world.RelateAsync(world.Alice, "m.reference", poll);
        var two = await world.RelateAsync(world.Bob, "m.reference", poll);
        await world.RelateAsync(world.Bob, "m.annotation", poll, inRelation: ""","key":"👍" """, type: "m.reaction");

        var bundle = (await world.BundleAsync(world.Alice, poll))!.Value;

        Assert.Equal($$$"""{"m.reference":{"chunk":[{"event_id":"{{{one}}}"},{"event_id":"{{{two}}}"}]}}""", JsonSerializer.Serialize(bundle));
    }

    [Fact]
    public async Task A_thread_root_tells_of_its_thread_and_the_newest_reply_of_its_edit()
    {
        await using var world = await RelationFixture.StartAsync();
        var carol = await world.Server.RegisterAsync("carol");
        await carol.PostAsync($"{world.Path}/join", "{}");
        var root = await world.SendAsync(world.Alice, "root");
        await world.ReplyAsync(world.Bob, root);
        var latest = await world.ReplyAsync(world.Bob, root);
        var edit = await world.EditAsync(world.Bob, latest, "edited");

        var thread = (await world.BundleAsync(world.Bob, root))!.Value.GetProperty("m.thread");
        Assert.Equal(2, thread.GetProperty("count").GetInt32());
        Assert.True(thread.GetProperty("current_user_participated").GetBoolean());
        Assert.Equal(latest, thread.GetProperty("latest_event").GetProperty("event_id").GetString());
        var inner = RelationFixture.BundleOf(thread.GetProperty("latest_event"))!.Value;
        Assert.Equal(edit, inner.GetProperty("m.replace").GetProperty("event_id").GetString());

        Assert.True(Participated(await world.BundleAsync(world.Alice, root)));
        Assert.False(Participated(await world.BundleAsync(carol, root)));
        static bool Participated(JsonElement? bundle) => bundle!.Value.GetProperty("m.thread").GetProperty("current_user_participated").GetBoolean();
    }

    [Fact]
    public async Task What_an_ignored_user_sent_does_not_count()
    {
        await using var world = await RelationFixture.StartAsync();
        var root = await world.SendAsync(world.Alice, "root");
        var mine = await world.ReplyAsync(world.Alice, root);
        await world.ReplyAsync(world.Bob, root);
        await world.RelateAsync(world.Bob, "m.reference", root);
        await RelationFixture.IgnoreAsync(world.Alice, world.Bob.UserId);

        var bundle = (await world.BundleAsync(world.Alice, root))!.Value;

        Assert.False(bundle.TryGetProperty("m.reference", out _));
        Assert.Equal(1, bundle.GetProperty("m.thread").GetProperty("count").GetInt32());
        Assert.Equal(mine, bundle.GetProperty("m.thread").GetProperty("latest_event").GetProperty("event_id").GetString());
    }

    [Fact]
    public async Task Children_that_the_user_may_not_see_are_not_bundled()
    {
        await using var world = await RelationFixture.StartAsync();
        var original = await world.SendAsync(world.Alice, "first");
        await world.Bob.PostAsync($"{world.Path}/leave", "{}");
        await world.EditAsync(world.Alice, original, "behind your back");
        await world.ReplyAsync(world.Alice, original);
        await world.RelateAsync(world.Alice, "m.reference", original);

        Assert.Null(await world.BundleAsync(world.Bob, original));
        Assert.NotNull(await world.BundleAsync(world.Alice, original));
    }

    [Fact]
    public async Task Messages_context_and_a_limited_sync_bundle()
    {
        await using var world = await RelationFixture.StartAsync();
        var original = await world.SendAsync(world.Alice, "first");
        for (var i = 0; i < 6; i++)
        {
            await world.SendAsync(world.Alice, $"{i}");
        }

        var edit = await world.EditAsync(world.Alice, original, "second");

        var messages = await world.Bob.GetAsync($"{world.Path}/messages?dir=b&limit=20");
        var context = await world.Bob.GetAsync($"{world.Path}/context/{original}?limit=2");
        var sync = await world.Bob.GetAsync("""/_matrix/client/v3/sync?filter={"room":{"timeline":{"limit":8}}}""");
        var timeline = sync["rooms"].GetProperty("join").GetProperty(world.Room).GetProperty("timeline");

        Assert.True(timeline.GetProperty("limited").GetBoolean());
        foreach (var e in (JsonElement[])[Find(messages["chunk"]), context["event"], Find(timeline.GetProperty("events"))])
        {
            Assert.Equal(edit, RelationFixture.BundleOf(e)!.Value.GetProperty("m.replace").GetProperty("event_id").GetString());
        }

        JsonElement Find(JsonElement events) => events.EnumerateArray().Single(e => e.GetProperty("event_id").GetString() == original);
    }

    [Fact]
    public async Task Relations_of_events_that_an_older_server_stored_are_taken_in_by_upkeep()
    {
        await using var world = await RelationFixture.StartAsync();
        var root = await world.SendAsync(world.Alice, "root");
        await world.ReplyAsync(world.Bob, root);
        await world.EditAsync(world.Alice, root, "edited");
        var before = (await world.BundleAsync(world.Alice, root))!.Value.ToString();
        await world.Server.Part<Database>().WriteAsync(db =>
        {
            foreach (var sql in (string[])
                [
                    "DELETE FROM relations", "DELETE FROM threads",
                    "UPDATE sequence SET reserved = (SELECT max(nid) FROM events) WHERE name = 'relations'",
                ])
            {
                using var statement = db.Prepare(sql);
                statement.Run();
            }
        });
        Assert.Null(await world.BundleAsync(world.Alice, root));

        await world.Server.UpkeepAsync(TimeSpan.FromMinutes(2));

        Assert.Equal(WithoutAge(before), WithoutAge((await world.BundleAsync(world.Alice, root))!.Value.ToString()));
        using var snapshot = world.Server.Part<Database>().OpenSnapshot();
        Assert.Empty(DatabaseCheck.Findings(snapshot));
        static string WithoutAge(string json) => System.Text.RegularExpressions.Regex.Replace(json, "\"age\":[0-9]+", "");
    }
}
