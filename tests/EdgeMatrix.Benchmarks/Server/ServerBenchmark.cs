using System.Diagnostics;
using EdgeMatrix.Benchmarks.Worlds;

namespace EdgeMatrix.Benchmarks.Server;

/// <summary><c>server</c>: fills a homeserver, then measures it over HTTP; prints a line a figure.</summary>
internal static class ServerBenchmark
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = new Options(arguments, "binary", "peer", "members", "rooms", "rounds", "only");
        var members = options.Number("members", 1_000);
        var rooms = options.Number("rooms", 500);
        var folder = Directory.CreateTempSubdirectory("edgematrix-bench-").FullName;
        try
        {
            if (options.Text("peer") is { } peer)
            {
                using var builder = new PeerWorld(new Uri(peer));
                var world = await World.BuildAsync(builder, members, rooms);
                await MeasureAsync(new Measurements(new Uri(peer), world, null), options);
            }
            else
            {
                await MeasureOwnAsync(options.Text("binary") ?? PublishedFile(), folder, members, rooms, options);
            }

            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task MeasureOwnAsync(string binary, string folder, int members, int rooms, Options options)
    {
        Report("fsync of a 4 KiB append, this disk", await DiskSpeed.MeasureFsyncAsync(folder));
        World world;
        var watch = Stopwatch.StartNew();
        await using (var builder = await EngineWorld.OpenAsync(folder))
        {
            world = await World.BuildAsync(builder, members, rooms);
        }

        System.Console.WriteLine($"world built in {watch.Elapsed.TotalSeconds:F1} s, {Bytes(folder) / 1e6:F1} MB");
        using var server = await ServerProcess.StartAsync(binary, folder, EngineWorld.ServerName);
        var measurements = new Measurements(server.Address, world, server);
        var bytesBefore = Bytes(folder);
        await MeasureAsync(measurements, options);
        System.Console.WriteLine($"memory after all of it: {server.Megabytes("VmRSS"):F1} MB resident, {server.Megabytes("RssAnon"):F1} MB of it private");
        await server.StopAsync();
        if (measurements.Sent > 0)
        {
            System.Console.WriteLine($"disk: {(Bytes(folder) - bytesBefore) / (double)measurements.Sent:F0} bytes a message event, everything included");
        }
    }

    private static async Task MeasureAsync(Measurements measurements, Options options)
    {
        var rounds = options.Number("rounds", 1);
        for (var round = 0; round < rounds; round++)
        {
            await measurements.RunAsync(options.Text("only"));
        }
    }

    public static void Report(string what, Latencies latencies) => System.Console.WriteLine($"{what}: {latencies}");

    private static long Bytes(string folder) => new DirectoryInfo(folder).EnumerateFiles().Sum(file => file.Length);

    public static string PublishedFile()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var file = Path.Combine(folder.FullName, "artifacts", "linux-x64", "edgematrix");
            if (File.Exists(file))
            {
                return file;
            }
        }

        throw new IOException("publish-profiles/publish linux-x64 first, or give --binary or --peer");
    }
}
