using EdgeMatrix.Configuration;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Upkeep;

public class StorageBudgetTests
{
    [Fact]
    public async Task The_oldest_messages_of_the_largest_room_go_when_the_database_is_too_large()
    {
        await using var server = await StartAsync(new StorageOptions { Limit = 2L << 20, Durability = Durability.Relaxed });
        var alice = await server.RegisterAsync("alice");
        var (large, small) = (await alice.CreateRoomAsync(), await alice.CreateRoomAsync());
        await SendAsync(alice, small, 20);
        await SendAsync(alice, large, 600);
        await server.UpkeepAsync(TimeSpan.FromDays(2));
        await SendAsync(alice, large, 5);
        await server.UpkeepAsync(TimeSpan.FromHours(2));

        // What the index of words gives back it gives back after that.
        await server.UpkeepAsync(TimeSpan.FromHours(1));
        Assert.InRange(Used(server), 1, 2L << 20);
        Assert.Equal(20, await CountAsync(alice, small));
        Assert.InRange(await CountAsync(alice, large), 80, 599);
        using var snapshot = server.Part<Database>().OpenSnapshot();
        Assert.Empty(DatabaseCheck.Findings(snapshot));
    }

    [Fact]
    public async Task A_room_keeps_its_newest_messages_within_its_limit()
    {
        await using var server = await StartAsync(new StorageOptions { RoomLimit = 512L << 10, Durability = Durability.Relaxed });
        var alice = await server.RegisterAsync("alice");
        var (large, small) = (await alice.CreateRoomAsync(), await alice.CreateRoomAsync());
        await SendAsync(alice, small, 50);
        await SendAsync(alice, large, 600);
        await server.UpkeepAsync(TimeSpan.FromHours(2));
        Assert.Equal(600, await CountAsync(alice, large));

        await server.UpkeepAsync(TimeSpan.FromDays(2));
        Assert.Equal(50, await CountAsync(alice, small));
        Assert.InRange(await CountAsync(alice, large), 10, 200);
    }

    private static Task<TestHomeserver> StartAsync(StorageOptions storage) => TestHomeserver.StartAsync(options => options with { Storage = storage });

    private static async Task SendAsync(TestSession alice, string room, int count)
    {
        var random = new Random(count);
        for (var n = 0; n < count; n++)
        {
            var bytes = new byte[4_000];
            random.NextBytes(bytes);
            await alice.SendTextAsync(room, Convert.ToBase64String(bytes), $"{count}-{n}");
        }
    }

    private static async Task<int> CountAsync(TestSession alice, string room) =>
        (await alice.GetAsync($"/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=1000"))["chunk"].EnumerateArray()
            .Count(e => e.GetProperty("type").GetString() == "m.room.message");

    private static long Used(TestHomeserver server)
    {
        using var snapshot = server.Part<Database>().OpenSnapshot();
        var free = FreePages.Read(snapshot);
        return (free.Pages - free.Free) * FreePages.PageBytes;
    }
}
