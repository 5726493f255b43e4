using System.Diagnostics;
using EdgeMatrix.Benchmarks.Http;
using EdgeMatrix.Benchmarks.Worlds;

namespace EdgeMatrix.Benchmarks.Server;

/// <summary>The operations, in an order in which none disturbs the next.</summary>
/// <param name="process">Null for a peer, whose processor time is not ours to read.</param>
internal sealed class Measurements(Uri server, World world, ServerProcess? process)
{
    private const int Latency = 300;
    private const int Syncs = 20;
    private const int Deliveries = 100;
    private const int ThroughputSends = 4_000;

    /// <summary>Messages sent so far.</summary>
    public int Sent { get; private set; }

    /// <param name="only">A word that the names of the wanted groups hold; null for all.</param>
    public async Task RunAsync(string? only)
    {
        (string Name, Func<Task> Run)[] groups =
        [
            ("many rooms", ManyRoomsAsync),
            ("small room", () => RoomAsync("2 members", world.Small, world.Alice, world.Bob)),
            ("large room", () => RoomAsync($"{world.Members} members", world.Large, world.Carol, world.Dora)),
            ("fan-out", FanOutAsync),
            ("throughput", ThroughputAsync),
        ];
        foreach (var (name, run) in groups)
        {
            if (only is null || name.Contains(only, StringComparison.Ordinal))
            {
                await run();
            }
        }
    }

    private async Task ManyRoomsAsync()
    {
        using var traveller = new MatrixClient(server, world.Traveller);
        ServerBenchmark.Report("initial sync, many rooms", await Latencies.MeasureAsync(Syncs, null, () => traveller.SyncAsync(null)));
        var since = await traveller.SyncTokenAsync(null);
        ServerBenchmark.Report("sync without news, many rooms", await Latencies.MeasureAsync(Latency, null, () => traveller.SyncAsync(since)));
    }

    private async Task RoomAsync(string name, string room, MatrixUser reader, MatrixUser writer)
    {
        using var reading = new MatrixClient(server, reader);
        using var writing = new MatrixClient(server, writer);
        using var joining = new MatrixClient(server, world.Newcomer);
        var path = $"/rooms/{Uri.EscapeDataString(room)}";
        async Task Measure(string what, int count, Func<Task>? prepare, Func<Task> operation) =>
            ServerBenchmark.Report($"{what}, {name}", await Latencies.MeasureAsync(count, prepare, operation));

        await Measure("send", Latency, null, () => SendAsync(writing, room));
        var middle = await writing.SendMessageAsync(room, Texts.Message(0));
        for (var i = 0; i < 20; i++)
        {
            await SendAsync(writing, room);
        }

        await Measure("messages", Latency, null, () => reading.GetAsync($"{path}/messages?dir=b&limit=20"));
        await Measure("context", Latency, null, () => reading.GetAsync($"{path}/context/{Uri.EscapeDataString(middle)}?limit=10"));
        await Measure("state", Syncs * 2, null, () => reading.GetAsync($"{path}/state"));
        await Measure("joined members", Syncs * 2, null, () => reading.GetAsync($"{path}/joined_members"));
        await Measure("initial sync", Syncs * 2, null, () => reading.SyncAsync(null));
        var since = await reading.SyncTokenAsync(null);
        await Measure("sync without news", Latency, null, () => reading.SyncAsync(since));
        await Measure("sync with news", Latency, () => SendAsync(writing, room), async () => since = await reading.SyncTokenAsync(since));
        await Measure("join", Syncs * 2, () => joining.LeaveAsync(room).ContinueWith(_ => { }, TaskScheduler.Default), () => joining.JoinAsync(room));
        await joining.LeaveAsync(room);
    }

    // From before the send until the last of all who wait for news has the message in hand.
    private async Task FanOutAsync()
    {
        using var sender = new MatrixClient(server, world.Everyone[0]);
        var listeners = world.Everyone.Select(user => new MatrixClient(server, user)).ToList();
        var tokens = await Task.WhenAll(listeners.Select(listener => listener.SyncTokenAsync(null)));
        Task[] waiting = [];
        ServerBenchmark.Report($"fan-out to the last of {listeners.Count}", await Latencies.MeasureAsync(
            Deliveries,
            async () =>
            {
                waiting = [.. listeners.Select(async (listener, i) => tokens[i] = await listener.SyncTokenAsync(tokens[i], 30_000))];
                await Task.Delay(30);
            },
            async () =>
            {
                await SendAsync(sender, world.Busy);
                await Task.WhenAll(waiting);
            }));
        listeners.ForEach(listener => listener.Dispose());
    }

    private async Task ThroughputAsync()
    {
        foreach (var clients in (int[])[1, 2, 4, 8])
        {
            await ThroughputAsync($"{clients} clients, one room", clients, _ => world.Busy);
        }

        await ThroughputAsync("8 clients, eight rooms", 8, i => world.Eight[i]);
    }

    private async Task ThroughputAsync(string name, int clients, Func<int, string> roomOf)
    {
        var connections = Enumerable.Range(0, clients).Select(i => new MatrixClient(server, world.Everyone[i])).ToList();
        await Task.WhenAll(connections.Select((client, i) => SendAsync(client, roomOf(i))));
        var each = ThroughputSends / clients;
        var (cpu, written) = (process?.CpuSeconds() ?? 0, process?.WrittenBytes() ?? 0);
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(connections.Select(async (client, i) =>
        {
            for (var n = 0; n < each; n++)
            {
                await client.PutMessageAsync(roomOf(i), Texts.Message(n));
            }
        }));
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Sent += each * clients;
        connections.ForEach(client => client.Dispose());
        System.Console.Write($"sends a second, {name}: {each * clients / seconds:F0}");
        System.Console.WriteLine(process is null
            ? ""
            : $"; CPU of 1,000 sends {(process.CpuSeconds() - cpu) * 1000 / (each * clients):F3} s; {(process.WrittenBytes() - written) / (each * clients):F0} bytes written to the device a message");
    }

    private Task<ReadOnlyMemory<byte>> SendAsync(MatrixClient client, string room)
    {
        Sent++;
        return client.PutMessageAsync(room, Texts.Message(Sent));
    }
}
