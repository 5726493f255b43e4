using System.Text;
using System.Text.Json;
using EdgeMatrix.CommandLine;
using EdgeMatrix.Configuration;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.CommandLine;

public class StorageCommandTests
{
    [Fact]
    public async Task Every_byte_of_the_database_has_its_place_beside_a_running_server()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var (large, small) = (await alice.CreateRoomAsync(), await alice.CreateRoomAsync());
        await Parallel.ForEachAsync(Enumerable.Range(0, 150), async (n, _) =>
            await alice.SendTextAsync(large, $"{new string((char)('a' + (n % 26)), 20_000)}{n}", $"t{n}"));
        await alice.SendTextAsync(small, "short", "t");
        await alice.PostAsync($"/_matrix/client/v3/rooms/{small}/leave", "{}");
        await alice.PostAsync($"/_matrix/client/v3/rooms/{small}/forget", "{}");

        var (code, output) = Run(server.DataFolder, "storage", "--json");
        Assert.Equal(ExitCode.Done, code);
        var use = JsonElement.Parse(output);
        var kinds = use.GetProperty("kinds").EnumerateArray().ToList();
        var own = use.GetProperty("own").GetInt64();
        Assert.Equal(
            use.GetProperty("database").GetInt64(),
            own + use.GetProperty("free").GetInt64() + kinds.Sum(kind => kind.GetProperty("tables").GetInt64() + kind.GetProperty("indexes").GetInt64()));

        // The map of pages, and nothing unexplained.
        Assert.InRange(own, 4_096, 2 * 4_096);
        var rooms = use.GetProperty("rooms").EnumerateArray().ToList();
        Assert.Equal(large, rooms[0].GetProperty("room_id").GetString());
        Assert.Equal(150, rooms[0].GetProperty("messages").GetInt64());
        Assert.True(rooms.Single(room => room.GetProperty("room_id").GetString() == small).TryGetProperty("forgotten_ts", out _));

        var (_, table) = Run(server.DataFolder, "storage");
        Assert.Contains("events", table, StringComparison.Ordinal);
        Assert.Contains(large, table, StringComparison.Ordinal);
        Assert.Contains("forgotten rooms: 1;", table, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_running_server_keeps_its_file()
    {
        await using var server = await TestHomeserver.StartAsync();
        Assert.Throws<Storage.DatabaseException>(() => Run(server.DataFolder, "storage", "--vacuum"));
    }

    private static (int Code, string Output) Run(string folder, params string[] arguments)
    {
        using var bytes = new MemoryStream();
        var options = new HomeserverOptions { Server = new ServerOptions { Data = folder } };
        var terminal = new Terminal(() => null, TextWriter.Null, TextWriter.Null) { OpenOutput = () => bytes };
        var code = new StorageCommand(options, terminal, TimeProvider.System).Run(Arguments.Parse(arguments, out _)!);
        return (code, Encoding.UTF8.GetString(bytes.ToArray()));
    }
}
