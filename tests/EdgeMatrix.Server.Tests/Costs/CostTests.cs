using EdgeMatrix.Accounts;
using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Costs;

/// <summary>What a request reads follows what it returns, not how many rooms, members or events there are.</summary>
public sealed class CostTests(CostWorlds worlds) : IClassFixture<CostWorlds>
{
    private const string Lazy = "filter=%7B%22lazy_load_members%22:true%7D";
    private const string LazySync = "filter=%7B%22room%22:%7B%22state%22:%7B%22lazy_load_members%22:true%7D%7D%7D";

    // A B-tree of a hundred times as many rows is a page or two deeper, and so is the chain of a room's state nodes.
    private const int MorePagesAStatement = 2;
    private const int MoreStateNodes = 12;
    private const int StepsANode = 40;

    [Fact]
    public async Task A_sync_without_news_reads_nothing()
    {
        var since = (await SyncAsync(worlds.Many.Alice, ""))["next_batch"].GetString();

        // The first sync of a device since the start of the server looks for messages to the device that it has got.
        Assert.Equal(default, await worlds.Many.CountAsync(() => SyncAsync(worlds.Many.Alice, $"since={since}"), again: true));
    }

    [Theory]
    [InlineData("")]
    [InlineData(LazySync)]
    public Task A_sync_with_news_of_one_room_does_not_grow(string filter) => AssertNoGrowthAsync(async world =>
    {
        var since = (await SyncAsync(world.Alice, filter))["next_batch"].GetString();
        await world.Alice.SendTextAsync(world.Room, "news", "sync" + filter.Length);
        return await world.CountAsync(() => SyncAsync(world.Alice, $"since={since}&{filter}"), again: true);
    });

    [Fact]
    public Task A_sync_costs_the_rooms_that_changed() => AssertNoGrowthAsync(async world =>
    {
        var since = (await SyncAsync(world.Alice, LazySync))["next_batch"].GetString();
        foreach (var room in world.Others.Take(5))
        {
            await world.Alice.SendTextAsync(room, "news", "of five");
        }

        return await world.CountAsync(() => SyncAsync(world.Alice, $"since={since}&{LazySync}"), again: true);
    });

    /// <remarks>As a member came, the answer has the heroes of the room, which has no name, and how many have joined.</remarks>
    [Fact]
    public Task A_sync_that_counts_members_and_names_heroes_does_not_grow() => AssertNoGrowthAsync(async world =>
    {
        var since = (await SyncAsync(world.Alice, LazySync))["next_batch"].GetString();
        await world.JoinAsync("@newcomer:elsewhere");
        var joined = (await SyncAsync(world.Alice, $"since={since}&{LazySync}"))["rooms"].GetProperty("join").GetProperty(world.Room);
        Assert.Equal(5, joined.GetProperty("summary").GetProperty("m.heroes").GetArrayLength());
        Assert.True(joined.GetProperty("summary").GetProperty("m.joined_member_count").GetInt64() > world.Size);
        return await world.CountAsync(() => SyncAsync(world.Alice, $"since={since}&{LazySync}"), again: true);
    });

    [Fact]
    public Task A_receipt_does_not_grow() => AssertNoGrowthAsync(world => world.CountAsync(
        () => world.Alice.PostAsync($"/_matrix/client/v3/rooms/{world.Room}/receipt/m.read.private/{world.Message}", "{}"), again: false));

    /// <remarks>A message that is sent is parsed where it comes in, and never again for those who send.</remarks>
    [Fact]
    public async Task A_message_is_unpacked_once_for_all_who_sync_and_never_to_send_the_next()
    {
        var (alice, room) = (worlds.Few.Alice, worlds.Few.Room);
        var first = (await SyncAsync(alice, LazySync))["next_batch"].GetString();
        await alice.SendTextAsync(room, "warm", "shared0");

        // What else such a sync reads of the room, tests before this one may have read or not.
        var since = (await SyncAsync(alice, $"since={first}"))["next_batch"].GetString();
        var bodies = alice.Server.Part<Database>().Bodies;
        var before = bodies.Unpacked;
        await alice.SendTextAsync(room, "for all", "shared1");
        Assert.Equal(before, bodies.Unpacked);
        for (var n = 0; n < 5; n++)
        {
            Assert.Contains("for all", (await SyncAsync(alice, $"since={since}")).Body, StringComparison.Ordinal);
        }

        Assert.Equal(before + 1, bodies.Unpacked);
    }

    [Theory]
    [InlineData("messages?dir=b&limit=20")]
    [InlineData("messages?dir=b&limit=20&" + Lazy)]
    [InlineData("context/EVENT?" + Lazy)]
    [InlineData("event/EVENT")]
    [InlineData("state/m.room.join_rules")]
    [InlineData("state/m.room.member/@alice:test")]
    public Task A_read_of_a_room_does_not_grow(string path) => AssertNoGrowthAsync(
        world => world.CountAsync(() => GetAsync(world, path), again: true));

    [Theory]
    [InlineData("rooms/ROOM/relations/EVENT")]
    [InlineData("rooms/ROOM/threads")]
    [InlineData("room_summary/ROOM")]
    [InlineData("rooms/ROOM/timestamp_to_event?ts=1&dir=f")]
    public Task A_look_for_what_relates_to_what_does_not_grow(string path) => AssertNoGrowthAsync(world => world.CountAsync(
        () => world.Alice.GetAsync("/_matrix/client/v1/" + path
            .Replace("ROOM", world.Room, StringComparison.Ordinal).Replace("EVENT", world.Message, StringComparison.Ordinal)),
        again: true));

    [Fact]
    public Task A_message_does_not_grow() => AssertNoGrowthAsync(world => world.CountAsync(
        () => world.Alice.PutAsync($"/_matrix/client/v3/rooms/{world.Room}/send/m.room.message/counted", """{"msgtype":"m.text","body":"counted"}"""),
        again: false));

    /// <remarks>Whom it concerns, their rules and their names are asked for once, or known; and what notifies them is written once.</remarks>
    [Fact]
    public async Task A_message_takes_as_many_statements_however_many_are_notified()
    {
        var (three, nine) = (await CountToNotifyAsync(3), await CountToNotifyAsync(9));
        Assert.Equal(three.Statements, nine.Statements);
    }

    // The cheapest of three: now and then one merges state nodes, which pays for many changes.
    [Fact]
    public Task A_state_event_does_not_grow() => AssertNoGrowthAsync(async world =>
    {
        var costs = new List<DatabaseCost>();
        for (var i = 0; i < 3; i++)
        {
            costs.Add(await world.CountAsync(
                () => world.Alice.PutAsync($"/_matrix/client/v3/rooms/{world.Room}/state/m.room.topic", $$"""{"topic":"counted {{i}}"}"""),
                again: false));
        }

        return costs.MinBy(cost => cost.Steps);
    });

    [Fact]
    public Task An_initial_sync_grows_with_the_rooms() => AssertGrowthAsync(
        world => world.CountAsync(() => SyncAsync(world.Alice, LazySync), again: true));

    [Theory]
    [InlineData("members")]
    [InlineData("joined_members")]
    [InlineData("state")]
    public Task A_list_of_members_grows_with_the_members(string path) => AssertGrowthAsync(
        world => world.CountAsync(() => GetAsync(world, path), again: true));

    /// <remarks>Of ten rooms, one with a thousand members among them: how many rooms there are is counted on the pages of an index.</remarks>
    [Theory]
    [InlineData("name")]
    [InlineData("joined_members")]
    [InlineData("version")]
    public Task An_administrators_list_of_rooms_does_not_grow(string order) => AssertNoGrowthAsync(async world =>
    {
        var accounts = world.Alice.Server.Part<UserAccounts>();
        await accounts.ChangeStandingAsync(accounts.Find("alice")!.User, standing => standing with { Admin = true });
        return await world.CountAsync(
            async () =>
            {
                var answer = await world.Alice.GetAsync($"/_synapse/admin/v1/rooms?limit=10&order_by={order}");
                Assert.Equal((world.Size, 10), (answer["total_rooms"].GetInt32(), answer["rooms"].GetArrayLength()));
                return answer;
            },
            again: true);
    });

    private static async Task<DatabaseCost> CountToNotifyAsync(int others)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        for (var i = 0; i < others; i++)
        {
            await (await server.RegisterAsync($"other{i}")).PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        }

        await alice.SendTextAsync(room, "warm", "warm");
        var database = server.Part<Database>();
        var before = database.Cost();
        await alice.SendTextAsync(room, "counted", "counted");
        return database.Cost() - before;
    }

    private async Task AssertNoGrowthAsync(Func<CostWorld, Task<DatabaseCost>> count) => AssertNoMore(
        await count(worlds.Few), await count(worlds.Many));

    // No more than in proportion.
    private async Task AssertGrowthAsync(Func<CostWorld, Task<DatabaseCost>> count)
    {
        var (few, factor) = (await count(worlds.Few), worlds.Many.Size / worlds.Few.Size);
        AssertNoMore(
            new DatabaseCost(few.Statements * factor, few.Rows * factor, few.Steps * factor, few.Pages * factor), await count(worlds.Many));
    }

    private static void AssertNoMore(DatabaseCost few, DatabaseCost many)
    {
        var bound = few + new DatabaseCost(
            MoreStateNodes, MoreStateNodes, MoreStateNodes * StepsANode, (few.Statements + MoreStateNodes) * MorePagesAStatement);
        Assert.True(
            many.Statements <= bound.Statements && many.Rows <= bound.Rows && many.Steps <= bound.Steps && many.Pages <= bound.Pages,
            $"few: {few}, many: {many}");
    }

    private static Task<TestAnswer> SyncAsync(TestSession session, string query) => session.GetAsync($"/_matrix/client/v3/sync?timeout=0&{query}");

    private static Task<TestAnswer> GetAsync(CostWorld world, string path) =>
        world.Alice.GetAsync($"/_matrix/client/v3/rooms/{world.Room}/{path.Replace("EVENT", world.Message, StringComparison.Ordinal)}");
}
