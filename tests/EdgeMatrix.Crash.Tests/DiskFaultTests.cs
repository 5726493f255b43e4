using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using EdgeMatrix.Configuration;
using EdgeMatrix.Crash.Tests.Disks;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using SQLitePCL;
using Xunit;

namespace EdgeMatrix.Crash.Tests;

/// <summary>The disk is full, or fails, while the server runs.</summary>
public sealed class DiskFaultTests : IAsyncLifetime
{
    private readonly RecordedDisk _disk = new();
    private TestHomeserver _server = null!;
    private TestSession _alice = null!;
    private string _room = "";
    private int _transactions;

    public async ValueTask InitializeAsync()
    {
        _server = await TestHomeserver.StartAsync(options => options with { Server = options.Server with { Data = _disk.Folder } });
        _alice = await _server.RegisterAsync("alice");
        _room = await _alice.CreateRoomAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _disk.Fault = null;
        _disk.ReadFault = null;
        _disk.FreeBytes = null;
        await _server.DisposeAsync();
        _disk.Dispose();
    }

    [Fact]
    public async Task A_full_disk_is_told_and_left_without_a_restart()
    {
        var before = await _alice.SendTextAsync(_room, "before", "before");
        _disk.FreeBytes = 0;

        var refused = await SendAsync("refused");
        Assert.Equal((507, "M_UNKNOWN"), refused.Error);
        Assert.Equal(
            "The disk of this server is full: nothing was stored. Try again when its administrator has made space", refused["error"].GetString());
        Assert.Equal((HttpStatusCode.ServiceUnavailable, """{"status":"disk full"}"""), await HealthAsync());

        // Reading goes on.
        var sync = await _alice.GetAsync("/_matrix/client/v3/sync");
        Assert.Equal(HttpStatusCode.OK, sync.Status);
        Assert.Contains("before", sync.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("refused", sync.Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await _alice.GetAsync($"/_matrix/client/v3/rooms/{_room}/messages?dir=b")).Status);

        _disk.FreeBytes = null;
        Assert.Equal((HttpStatusCode.OK, """{"status":"ok"}"""), await HealthAsync());
        var after = (await SendAsync("after"))["event_id"].GetString()!;
        Assert.Equal([before], PrevEvents(after));
        AssertWhole([before, after]);
    }

    [Fact]
    public async Task A_disk_that_fills_up_at_any_write_loses_nothing_acknowledged()
    {
        var acknowledged = new ConcurrentBag<string>();
        var refused = 0;
        for (var space = 0L; space < 120_000; space += 7_001)
        {
            _disk.FreeBytes = space;
            await Parallel.ForAsync(0, 12, new ParallelOptions { MaxDegreeOfParallelism = 6 }, async (n, _) =>
            {
                var answer = n % 3 == 0
                    ? await _alice.PutAsync($"/_matrix/client/v3/rooms/{_room}/state/org.example/{space}-{n}", "{}")
                    : await SendAsync($"{space} {n}");
                if (answer.Status == HttpStatusCode.OK)
                {
                    acknowledged.Add(answer["event_id"].GetString()!);
                }
                else
                {
                    Assert.Equal((507, "M_UNKNOWN"), answer.Error);
                    Interlocked.Increment(ref refused);
                }
            });
            _disk.FreeBytes = null;
            acknowledged.Add((await SendAsync("again"))["event_id"].GetString()!);
        }

        Assert.True(refused > 0);
        AssertWhole(acknowledged);
    }

    /// <remarks>
    /// After a failed fsync the system takes for written what is not: a later one succeeds and does not bring it to the disk.
    /// SQLite writes the pages of the failed transaction again, so no answer rests on those.
    /// </remarks>
    [Fact]
    public async Task What_is_acknowledged_after_a_failed_sync_outlives_a_power_cut()
    {
        var random = new Random(5);
        _disk.Fault = step => (step, random.Next(4)) switch
        {
            (DiskStep.Sync, 0) => raw.SQLITE_IOERR_FSYNC,
            (DiskStep.Write, 0) when random.Next(10) == 0 => raw.SQLITE_IOERR_WRITE,
            _ => 0,
        };
        var acknowledged = new List<string>();
        var failed = 0;
        for (var n = 0; n < 300; n++)
        {
            var answer = await SendAsync($"message {n} {new string('x', n % 7 * 500)}");
            if (answer.Status == HttpStatusCode.OK)
            {
                acknowledged.Add(answer["event_id"].GetString()!);
                _disk.Acknowledge(acknowledged.Count);
            }
            else
            {
                Assert.Equal((500, "M_UNKNOWN"), answer.Error);
                failed++;
            }
        }

        Assert.True(failed > 20 && acknowledged.Count > 20, $"{failed} failed, {acknowledged.Count} did not");
        _disk.Fault = null;
        Assert.Equal((HttpStatusCode.OK, """{"status":"ok"}"""), await HealthAsync());
        AssertWhole(acknowledged);
        var log = _disk.Log.ToList();
        await AssertCutsAsync(acknowledged, random, log, _ => random.Next(log.Count / 40) == 0);
    }

    /// <remarks>
    /// Nothing is synced but at a checkpoint then, so a failed one may have lost any of the log. Were the log moved into the file all the
    /// same, the file would run ahead of what the disk has of the log, and after a power cut what neither says would be read.
    /// </remarks>
    [Fact]
    public async Task With_relaxed_durability_a_failed_sync_leaves_the_file_to_the_next_start()
    {
        using var disk = new RecordedDisk();
        await using var server = await TestHomeserver.StartAsync(options => options with
        {
            Server = options.Server with { Data = disk.Folder },
            Storage = options.Storage with { Durability = Durability.Relaxed },
        });
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        var random = new Random(6);
        var syncs = 0;
        disk.Acknowledge(1);
        disk.Fault = step => step == DiskStep.Sync && ++syncs == 5 ? raw.SQLITE_IOERR_FSYNC : 0;
        var last = "";
        for (var n = 0; n < 600; n++)
        {
            var bytes = new byte[random.Next(12_000)];
            random.NextBytes(bytes);
            last = await alice.SendTextAsync(room, Convert.ToHexString(bytes), $"t{n}");
        }

        Assert.Equal("""{"status":"disk failed"}""", (await server.SendAsync(HttpMethod.Get, "/health", null, null)).Body);
        await using var next = await server.RestartAsync();
        var log = disk.Log.ToList();
        var file = log.Find(operation => operation is { Step: DiskStep.Create, Name: "edgematrix.db" })!.File;
        var failed = log.FindIndex(operation => operation.Step == DiskStep.SyncFailed);
        Assert.DoesNotContain(log.Skip(failed + 1), operation => operation.File == file && operation.Step is DiskStep.Write or DiskStep.Truncate);
        await AssertCutsAsync([], random, log, operation => operation.Step == DiskStep.Sync || random.Next(log.Count / 20) == 0);

        Assert.Equal((HttpStatusCode.OK, """{"status":"ok"}"""), await HealthAsync(next));
        AssertWhole(next.Part<Database>(), [last]);
    }

    [Fact]
    public async Task A_read_that_fails_is_an_error_of_that_request_alone()
    {
        var sent = await _alice.SendTextAsync(_room, "here", "here");
        _server = await _server.RestartAsync();
        _alice = _alice with { Server = _server };
        for (var round = 0; round < 3; round++)
        {
            _disk.ReadFault = () => raw.SQLITE_IOERR_READ;
            Assert.Equal((500, "M_UNKNOWN"), (await _alice.GetAsync("/_matrix/client/v3/sync")).Error);
            Assert.Equal((500, "M_UNKNOWN"), (await SendAsync("unread")).Error);
            _disk.ReadFault = null;
            Assert.Contains(sent, (await _alice.GetAsync("/_matrix/client/v3/sync")).Body, StringComparison.Ordinal);
        }

        var after = await SendAsync("after");
        Assert.Equal(HttpStatusCode.OK, after.Status);
        AssertWhole([sent, after["event_id"].GetString()!]);
    }

    private Task<TestAnswer> SendAsync(string text) => _alice.PutAsync(
        $"/_matrix/client/v3/rooms/{_room}/send/m.room.message/t{Interlocked.Increment(ref _transactions)}", $$"""{"msgtype":"m.text","body":"{{text}}"}""");

    private Task<(HttpStatusCode, string)> HealthAsync() => HealthAsync(_server);

    private static async Task<(HttpStatusCode, string)> HealthAsync(TestHomeserver server)
    {
        var answer = await server.SendAsync(HttpMethod.Get, "/health", null, null);
        return (answer.Status, answer.Body);
    }

    private string[] PrevEvents(string eventId)
    {
        using var db = _server.Part<Database>().OpenSnapshot();
        using var json = JsonDocument.Parse(EventTable.Find(db, eventId)!.Json);
        return [.. json.RootElement.GetProperty("prev_events").EnumerateArray().Select(id => id.GetString()!)];
    }

    private void AssertWhole(IEnumerable<string> acknowledged) => AssertWhole(_server.Part<Database>(), acknowledged);

    private static void AssertWhole(Database database, IEnumerable<string> acknowledged)
    {
        using var db = database.OpenSnapshot();
        Assert.Empty(DatabaseCheck.Findings(db));
        Assert.DoesNotContain(acknowledged, id => EventTable.FindNid(db, id) is null);
    }

    private static async Task AssertCutsAsync(List<string> acknowledged, Random random, List<DiskOperation> log, Func<DiskOperation, bool> cutsAfter)
    {
        var disk = new DiskAtCut();
        for (var at = 0; at < log.Count; at++)
        {
            disk.Advance(log[at]);
            if (disk.Acknowledged > 0 && cutsAfter(log[at]))
            {
                var folder = TestFolder.Create();
                disk.WriteImage(folder, random);
                await using (var database = Database.Open(new DatabaseOptions(Path.Combine(folder, "edgematrix.db"))))
                {
                    AssertWhole(database, acknowledged.Take(disk.Acknowledged));
                }

                Directory.Delete(folder, recursive: true);
            }
        }
    }
}
