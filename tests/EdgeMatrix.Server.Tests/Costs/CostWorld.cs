using EdgeMatrix.Configuration;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Costs;

/// <summary>A server on which Alice has as many rooms, and one of them as many members, as it is made for.</summary>
internal sealed class CostWorld : IAsyncDisposable
{
    private readonly TestHomeserver _server;

    private CostWorld(TestHomeserver server, TestSession alice, int size)
    {
        _server = server;
        Alice = alice;
        Size = size;
    }

    public TestSession Alice { get; }

    public int Size { get; }

    /// <summary>The room with the members. Its last messages are enough to fill a page.</summary>
    public string Room { get; private set; } = "";

    /// <summary>Rooms besides.</summary>
    public IReadOnlyList<string> Others { get; private set; } = [];

    /// <summary>Id of one of those messages.</summary>
    public string Message { get; private set; } = "";

    public static async Task<CostWorld> StartAsync(int size)
    {
        // What is counted here does not depend on when the disk has it.
        var server = await TestHomeserver.StartAsync(
            options => options with { Storage = options.Storage with { Durability = Durability.Relaxed } });
        var world = new CostWorld(server, await server.RegisterAsync("alice"), size);
        world.Others = await Task.WhenAll(Enumerable.Range(1, size - 1).Select(_ => world.Alice.CreateRoomAsync("""{"preset":"public_chat","name":"Room"}""")));
        world.Room = await world.Alice.CreateRoomAsync();
        await world.AddMembersAsync(size - 1);
        for (var i = 0; i < 40; i++)
        {
            var sent = await world.Alice.SendTextAsync(world.Room, "text", $"fill{i}");
            world.Message = i == 20 ? sent : world.Message;
        }

        return world;
    }

    /// <summary>What a request takes of the database.</summary>
    /// <param name="again">It is made once before, so that what a server remembers it remembers.</param>
    public async Task<DatabaseCost> CountAsync(Func<Task<TestAnswer>> request, bool again)
    {
        if (again)
        {
            Assert.Equal(200, (int)(await request()).Status);
        }

        var database = _server.Part<Database>();
        var before = database.Cost();
        var answer = await request();
        var cost = database.Cost() - before;
        Assert.Equal(200, (int)answer.Status);
        return cost;
    }

    public async Task JoinAsync(string userId) => Assert.Null((await _server.Part<RoomMembers>().JoinAsync(
        _server.Part<RoomEngine>().Find(Room)!, userId, null, TestContext.Current.CancellationToken)).Refusal);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    // Members of another server: none here is to be notified.
    private async Task AddMembersAsync(int count)
    {
        var room = _server.Part<RoomEngine>().Find(Room)!;
        var members = _server.Part<RoomMembers>();
        var joins = await Task.WhenAll(Enumerable.Range(0, count).Select(
            i => members.JoinAsync(room, $"@member{i}:elsewhere", null, TestContext.Current.CancellationToken)));
        Assert.All(joins, (Outcome<string> join) => Assert.Null(join.Refusal));
    }
}

/// <summary>A small and a large world, made once for all the counts.</summary>
public sealed class CostWorlds : IAsyncLifetime
{
    internal CostWorld Few { get; private set; } = null!;

    internal CostWorld Many { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Few = await CostWorld.StartAsync(10);
        Many = await CostWorld.StartAsync(1_000);
    }

    public async ValueTask DisposeAsync()
    {
        await Few.DisposeAsync();
        await Many.DisposeAsync();
    }
}
