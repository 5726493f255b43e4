using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Costs;

/// <summary>What look-ups read follows what they find, counted in worlds of their own.</summary>
public sealed class LookupCostTests
{
    private const string V3 = "/_matrix/client/v3";

    [Fact]
    public async Task Relations_of_one_type_are_found_without_reading_past_the_others()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var parent = await alice.SendTextAsync(room, "hello", "parent");
        await RelateAsync("org.example.rare", 0);
        var few = await CountAsync();
        for (var i = 1; i < 300; i++)
        {
            await RelateAsync("m.room.message", i);
        }

        var many = await CountAsync();
        Assert.True(many.Rows <= few.Rows + 4 && many.Pages <= few.Pages + 12, $"few: {few}, many: {many}");

        Task<TestAnswer> RelateAsync(string type, int number) => alice.PutAsync(
            $"{V3}/rooms/{room}/send/{type}/{number}", $$$"""{"m.relates_to":{"rel_type":"m.reference","event_id":"{{{parent}}}"} }""");

        Task<DatabaseCost> CountAsync() => CostAsync(
            server, () => alice.GetAsync($"/_matrix/client/v1/rooms/{room}/relations/{parent}/m.reference/org.example.rare"));
    }

    [Fact]
    public async Task A_space_costs_its_own_children_not_those_of_other_spaces()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        const string Space = """{"preset":"public_chat","creation_content":{"type":"m.space"}}""";
        var (small, large) = (await alice.CreateRoomAsync(Space), await alice.CreateRoomAsync(Space));
        await AddAsync(small, await alice.CreateRoomAsync());
        var few = await CostAsync(server, () => alice.GetAsync($"/_matrix/client/v1/rooms/{small}/hierarchy"));
        for (var i = 0; i < 300; i++)
        {
            await AddAsync(large, $"!other{i}:elsewhere");
        }

        var many = await CostAsync(server, () => alice.GetAsync($"/_matrix/client/v1/rooms/{small}/hierarchy"));
        Assert.True(many.Rows <= few.Rows + 4 && many.Steps <= few.Steps * 2, $"few: {few}, many: {many}");

        Task<TestAnswer> AddAsync(string space, string child) =>
            alice.PutAsync($"{V3}/rooms/{space}/state/m.space.child/{child}", """{"via":["test"]}""");
    }

    [Fact]
    public async Task Whose_devices_are_new_to_whoever_joins_is_found_a_thousand_members_at_a_time()
    {
        var (few, many) = (await CountJoinAsync(20), await CountJoinAsync(400));
        Assert.True(many.Statements <= few.Statements + 20, $"few: {few}, many: {many}");
    }

    private static async Task<DatabaseCost> CountJoinAsync(int members)
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync();
        var engine = server.Part<RoomEngine>();
        for (var i = 0; i < members; i++)
        {
            await server.Part<RoomMembers>().JoinAsync(engine.Find(room)!, $"@member{i}:elsewhere", null, TestContext.Current.CancellationToken);
        }

        const string Lazy = "filter=%7B%22room%22:%7B%22state%22:%7B%22lazy_load_members%22:true%7D%7D%7D";
        var since = (await bob.GetAsync($"{V3}/sync?{Lazy}"))["next_batch"].GetString();
        await bob.PostAsync($"{V3}/rooms/{room}/join", "{}");
        return await CostAsync(server, async () =>
        {
            var answer = await bob.GetAsync($"{V3}/sync?since={since}&{Lazy}");
            Assert.Equal(members + 1, answer["device_lists"].GetProperty("changed").GetArrayLength());
            return answer;
        });
    }

    private static async Task<DatabaseCost> CostAsync(TestHomeserver server, Func<Task<TestAnswer>> request)
    {
        Assert.Equal((200, null), (await request()).Error);
        var database = server.Part<Database>();
        var before = database.Cost();
        await request();
        return database.Cost() - before;
    }
}
