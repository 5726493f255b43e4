using EdgeMatrix.Configuration;
using EdgeMatrix.Rooms.Search;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Costs;

/// <summary>What messages take on the disk, with all indexes and after a clean stop.</summary>
public sealed class DiskCostTests(ITestOutputHelper output)
{
    private const int Messages = 2_000;
    private const int MaxBytes = 450;

    [Fact]
    public async Task A_short_text_message_takes_at_most_450_bytes()
    {
        var server = await TestHomeserver.StartAsync(
            options => options with { Storage = options.Storage with { Durability = Durability.Relaxed } });
        TestSession[] people = [await server.RegisterAsync("alice"), await server.RegisterAsync("bob")];
        var room = await people[0].CreateRoomAsync("""{"preset":"public_chat"}""");
        await people[1].PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        server = await server.RestartAsync();
        var before = Bytes(server);
        people = [.. people.Select(person => person with { Server = server })];
        await Parallel.ForEachAsync(Enumerable.Range(0, Messages), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (n, _) =>
            await people[n % 2].SendTextAsync(room, $"This is what somebody says, for the {n}th time.", $"m1790000{n:D6}.{n}"));

        // The index of words is part of it.
        await server.Part<SearchIndex>().CatchUpAsync(default);
        await using var stopped = await server.RestartAsync();
        var each = (Bytes(stopped) - before) / (double)Messages;
        output.WriteLine($"{each:F0} bytes a message");
        Assert.InRange(each, 0, MaxBytes);
    }

    private static long Bytes(TestHomeserver server) => new FileInfo(Path.Combine(server.DataFolder, "edgematrix.db")).Length;
}
