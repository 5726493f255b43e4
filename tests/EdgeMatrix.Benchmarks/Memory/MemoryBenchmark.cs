using EdgeMatrix.Benchmarks.Http;
using EdgeMatrix.Benchmarks.Server;

namespace EdgeMatrix.Benchmarks.Memory;

/// <summary><c>memory</c>: what the published file holds in memory while five clients follow a very large room.</summary>
internal static class MemoryBenchmark
{
    private const int Clients = 5;

    // As Element asks for it.
    private const string LazyFilter = """{"room":{"timeline":{"limit":20},"state":{"lazy_load_members":true}}}""";

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = new Options(arguments, "binary", "members", "seconds", "rest", "limit", "folder");
        var given = options.Text("folder");
        var folder = given ?? Directory.CreateTempSubdirectory("edgematrix-memory-").FullName;
        try
        {
            var room = await LargeRoom.OpenAsync(folder, options.Number("members", 85_000), Clients);
            using var server = await ServerProcess.StartAsync(
                options.Text("binary") ?? ServerBenchmark.PublishedFile(),
                folder,
                Worlds.EngineWorld.ServerName,
                options.Text("limit") is { } limit ? ["--set", $"memory.limit={limit}"] : []);
            await MeasureAsync(server, room, options.Number("seconds", 60), options.Number("rest", 60));
            await server.StopAsync();
            return 0;
        }
        finally
        {
            if (given is null)
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static async Task MeasureAsync(ServerProcess server, LargeRoom room, int seconds, int rest)
    {
        var clients = room.Clients.Select(user => new MatrixClient(server.Address, user)).ToList();
        using var sender = new MatrixClient(server.Address, room.Owner);
        var tokens = new string?[Clients];
        await using var peak = new PeakMemory(server);
        async Task Step(string what, Func<Task> work)
        {
            peak.Begin();
            await work();
            System.Console.WriteLine($"{what}: {peak.End()}");
        }

        await Step("started", () => Task.Delay(1_000));
        await Step($"{Clients} initial syncs at once, members lazily loaded", () => Task.WhenAll(clients.Select(
            async (client, i) => tokens[i] = await client.SyncTokenAsync(null, filter: LazyFilter))));
        await Step($"{Clients} long polls and ten messages a second for {seconds} s", async () =>
        {
            using var end = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
            var polls = clients.Select((client, i) => FollowAsync(client, tokens, i, end.Token)).ToList();
            for (var i = 0; !end.IsCancellationRequested; i++)
            {
                await sender.PutMessageAsync(room.Id, Worlds.Texts.Message(i));
                await Task.Delay(100);
            }

            await Task.WhenAll(polls);
        });
        var path = $"/rooms/{Uri.EscapeDataString(room.Id)}";
        await Step("/members, all of them, once", () => clients[0].GetAsync($"{path}/members"));
        await Step($"/members by {Clients} at once", () => Task.WhenAll(clients.Select(client => client.GetAsync($"{path}/members"))));
        await Step("/joined_members, once", () => clients[0].GetAsync($"{path}/joined_members"));
        await Step("/state, once", () => clients[0].GetAsync($"{path}/state"));
        await Step("an initial sync with every member, once", () => clients[0].SyncAsync(null));
        await Step($"the same by {Clients} at once", () => Task.WhenAll(clients.Select(client => client.SyncAsync(null))));
        await Step($"{rest} s at rest", () => Task.Delay(TimeSpan.FromSeconds(rest)));
        clients.ForEach(client => client.Dispose());
        System.Console.WriteLine($"peak of all: {server.Megabytes("VmHWM"):F1} MB resident");
    }

    private static async Task FollowAsync(MatrixClient client, string?[] tokens, int i, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            tokens[i] = await client.SyncTokenAsync(tokens[i], 1_000, LazyFilter);
        }
    }
}
