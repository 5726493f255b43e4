using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using EdgeMatrix.Benchmarks.Http;
using EdgeMatrix.Benchmarks.Memory;
using EdgeMatrix.Benchmarks.Server;
using EdgeMatrix.Benchmarks.Worlds;

namespace EdgeMatrix.Benchmarks.Joins;

/// <summary>
/// <c>join</c>: a user of an empty server joins a very large room that another server is in, both on this machine. With <c>--peer</c> a user of
/// another homeserver, which is as empty, joins it after that.
/// </summary>
internal static class JoinBenchmark
{
    private const string JoinerName = "joiner.local";

    // As Element asks for it.
    private const string LazyFilter = """{"room":{"timeline":{"limit":20},"state":{"lazy_load_members":true}}}""";

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = new Options(arguments, "binary", "members", "folder", "resident-port", "peer", "peer-name", "peer-port", "peer-pid");
        var given = options.Text("folder");
        var folder = given ?? Directory.CreateTempSubdirectory("edgematrix-join-").FullName;
        var joining = Directory.CreateTempSubdirectory("edgematrix-joiner-").FullName;
        try
        {
            var watch = Stopwatch.StartNew();
            var room = await LargeRoom.OpenAsync(folder, options.Number("members", 85_000), 1, $"127.0.0.1:{options.Number("resident-port", FreePort())}");
            System.Console.WriteLine($"the room: {watch.Elapsed.TotalSeconds:F1} s");
            var binary = options.Text("binary") ?? ServerBenchmark.PublishedFile();
            var port = FreePort();
            List<string> hosts = [Host(JoinerName, port)];
            if (options.Text("peer-name") is { } peerName)
            {
                hosts.Add(Host(peerName, options.Number("peer-port", 8448)));
            }

            using var resident = await ServerProcess.StartAsync(
                binary, folder, room.ServerName, [.. Federating(room, $"https://{room.ServerName}"), .. hosts.SelectMany(host => (string[])["--set", host])]);
            using (var joiner = await ServerProcess.StartAsync(
                binary, joining, JoinerName, [.. Federating(room, $"https://127.0.0.1:{port}"), "--set", "registration.open=true"]))
            {
                await MeasureAsync(joiner, resident, room);
                await joiner.StopAsync();
            }

            if (options.Text("peer") is { } peer)
            {
                System.Console.WriteLine($"the same by {options.Text("peer-name")}");
                using var joiner = ServerProcess.Watch(options.Number("peer-pid", 0), new Uri(peer));
                await MeasureAsync(joiner, resident, room);
            }

            await resident.StopAsync();
            return 0;
        }
        finally
        {
            Directory.Delete(joining, recursive: true);
            if (given is null)
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static async Task MeasureAsync(ServerProcess joiner, ServerProcess resident, LargeRoom room)
    {
        using var world = new PeerWorld(joiner.Address);
        using var client = new MatrixClient(joiner.Address, await world.AddUserAsync("joiner", silent: false));
        var since = await client.SyncTokenAsync(null, filter: LazyFilter);
        await Task.Delay(TimeSpan.FromSeconds(5));
        await using var peak = new PeakMemory(joiner);
        await using var peakOfResident = new PeakMemory(resident);
        System.Console.WriteLine($"before: {joiner.Megabytes("VmRSS"):F1} MB resident, {joiner.Megabytes("RssAnon"):F1} MB of it private");
        peak.Begin();
        peakOfResident.Begin();
        var watch = Stopwatch.StartNew();
        await client.RequestAsync("POST", $"/join/{Uri.EscapeDataString(room.Id)}?server_name={room.ServerName}&via={room.ServerName}", "{}");
        System.Console.WriteLine($"joined: {watch.Elapsed.TotalSeconds:F2} s");
        while (!IsIn(await client.SyncAsync(since, timeoutMs: 1_000, filter: LazyFilter), room.Id))
        {
            // It may come a moment after the answer.
        }

        System.Console.WriteLine($"in /sync: {watch.Elapsed.TotalSeconds:F2} s");
        await client.PutMessageAsync(room.Id, "hello");
        System.Console.WriteLine($"a message sent: {watch.Elapsed.TotalSeconds:F2} s");
        var chunk = JsonElement.Parse((await client.GetAsync($"/rooms/{Uri.EscapeDataString(room.Id)}/messages?dir=b&limit=20")).Span).GetProperty("chunk");
        System.Console.WriteLine($"usable, with {chunk.GetArrayLength()} messages read: {watch.Elapsed.TotalSeconds:F2} s");
        var members = 0;
        while (members == 0)
        {
            try
            {
                members = JsonElement.Parse((await client.GetAsync($"/rooms/{Uri.EscapeDataString(room.Id)}/members")).Span).GetProperty("chunk").GetArrayLength();
            }
            catch (IOException)
            {
                // It does not wait for ever.
            }
        }

        System.Console.WriteLine($"whole, all {members} members read: {watch.Elapsed.TotalSeconds:F2} s");
        System.Console.WriteLine($"the server that joins: {peak.End()}");
        System.Console.WriteLine($"the resident: {peakOfResident.End()}");
    }

    private static bool IsIn(ReadOnlyMemory<byte> sync, string roomId) =>
        JsonElement.Parse(sync.Span).TryGetProperty("rooms", out var rooms) && rooms.TryGetProperty("join", out var joined)
        && joined.TryGetProperty(roomId, out _);

    private static string[] Federating(LargeRoom room, string address) =>
    [
        "--listen", address,
        "--set", "federation.verify_tls=false",
        "--set", "federation.allow_private_addresses=true",
        "--set", $"federation.trusted_key_servers=[\"{room.ServerName}\"]",
    ];

    private static string Host(string name, int port) => $"federation.hosts.\"{name}\"=\"127.0.0.1:{port}\"";

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
