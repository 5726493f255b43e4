using System.Net;
using EdgeMatrix.Crash.Tests.Disks;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Crash.Tests;

/// <summary>
/// The power goes at any moment of a join of another server's room, while its members are on their way, too: the server starts, is in the room if
/// its user was told so, goes on with the members, and comes to the state that the other has.
/// </summary>
public sealed class JoinPowerCutTests(ITestOutputHelper output) : IDisposable
{
    private const string V3 = "/_matrix/client/v3";

    // They come in three batches.
    private const int Members = 820;

    private static readonly int _cuts = Environment.GetEnvironmentVariable("EDGEMATRIX_POWER_CUTS") == "all" ? 60 : 16;

    private readonly RecordedDisk _disk = new();
    private readonly TestNetwork _network = new();

    [Fact]
    public async Task A_power_cut_while_members_come_costs_none_of_them()
    {
        await using var two = await TestHomeserver.StartAsync(name: "two", seed: 2, network: _network);
        var carol = await two.RegisterAsync("carol");
        var room = await carol.CreateRoomAsync("""{"preset":"public_chat","name":"Hall"}""");
        for (var n = 0; n < Members; n++)
        {
            Assert.Equal(HttpStatusCode.OK, (await (await two.RegisterAsync($"user{n}")).PostAsync($"{V3}/join/{room}", "{}")).Status);
        }

        var token = await JoinAsync(room);
        var state = await StateAsync(carol, room);
        Assert.Contains(state, line => line.Contains("@bob:one", StringComparison.Ordinal));

        var random = new Random(1);
        var disk = new DiskAtCut();
        var every = _disk.Log.Count / _cuts;
        var (cuts, partial) = (0, 0);
        for (var at = 0; at < _disk.Log.Count; at++)
        {
            if (at > 0 && at % every == 0)
            {
                var folder = TestFolder.Create();
                disk.WriteImage(folder, random);
                var (isIn, isPartial) = await ReadAsync(folder, room);
                Assert.True(isIn || disk.Acknowledged < 0, $"cut {at}: the acknowledged join is lost");
                if (isIn)
                {
                    cuts++;
                    partial += isPartial ? 1 : 0;
                    await using var one = await TestHomeserver.StartOnAsync(folder, seed: (ulong)at + 10, "one", _network);
                    await UntilWholeAsync(one, room);
                    Assert.Equal(state, await StateAsync(new TestSession(one, "@bob:one", "", token), room));
                    using var snapshot = one.Part<Database>().OpenSnapshot();
                    Assert.Equal([], DatabaseCheck.Findings(snapshot));
                }
                else
                {
                    Directory.Delete(folder, recursive: true);
                }
            }

            disk.Advance(_disk.Log[at]);
        }

        output.WriteLine($"{_disk.Log.Count} operations, {cuts} cuts after the room was entered, {partial} of them before it was whole");
        Assert.InRange(partial, 1, cuts - 1);
    }

    public void Dispose() => _disk.Dispose();

    /// <summary>Has a user of a server on the recorded disk join, and waits for the members.</summary>
    /// <returns>The access token of the user.</returns>
    private async Task<string> JoinAsync(string room)
    {
        await using var one = await TestHomeserver.StartAsync(
            options => options with { Server = options.Server with { Data = _disk.Folder } }, name: "one", seed: 1, network: _network);
        var bob = await one.RegisterAsync("bob");
        Assert.Equal(HttpStatusCode.OK, (await bob.PostAsync($"{V3}/join/{room}?via=two", "{}")).Status);
        _disk.Acknowledge(0);
        await UntilWholeAsync(one, room);
        return bob.Token;
    }

    /// <returns>Whether the server of a data folder is in the room, and whether it lacks members.</returns>
    private static async Task<(bool IsIn, bool IsPartial)> ReadAsync(string folder, string room)
    {
        await using var database = Database.Open(new DatabaseOptions(Path.Combine(folder, "edgematrix.db")));
        using var snapshot = database.OpenSnapshot();
        return (RoomTable.Find(snapshot, room) is not null, PartialRoomTable.All(snapshot).Count > 0);
    }

    private static bool IsPartial(TestHomeserver server, string room) => server.Part<RoomEngine>().IsPartial(server.Part<RoomEngine>().Find(room)!);

    private static async Task UntilWholeAsync(TestHomeserver server, string room)
    {
        for (var wait = 0; wait < 3_000 && IsPartial(server, room); wait++)
        {
            await Task.Delay(20);
        }

        Assert.False(IsPartial(server, room));
    }

    private static async Task<List<string>> StateAsync(TestSession who, string room) =>
    [
        .. (await who.GetAsync($"{V3}/rooms/{room}/state")).Json.EnumerateArray()
            .Select(e => $"{e.GetProperty("type")} {e.GetProperty("state_key")} {e.GetProperty("event_id")}").Order(StringComparer.Ordinal),
    ];
}
