using EdgeMatrix.Crash.Tests.Disks;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Crash.Tests;

/// <summary>
/// The power goes between any two operations of the disk, and what was not synced is there, torn or gone: the server starts,
/// its database is whole, what was acknowledged is there, and it goes on.
/// </summary>
/// <remarks>All cuts where <c>EDGEMATRIX_POWER_CUTS=all</c>, as <c>tests/all</c> says; else some of them.</remarks>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private static readonly bool _all = Environment.GetEnvironmentVariable("EDGEMATRIX_POWER_CUTS") == "all";

    [Fact]
    public async Task Nothing_acknowledged_is_lost_to_a_power_cut()
    {
        await using var run = await RecordedRun.PlayAsync(relaxed: false, messages: 200);
        Assert.Empty(await CutAsync(run, run.Disk.Log, seed: 1, cuts: _all ? int.MaxValue : 80, (rows, acknowledged) => Lost(run, rows, acknowledged)));
    }

    [Fact]
    public async Task With_relaxed_durability_only_the_newest_is_lost_to_a_power_cut()
    {
        await using var run = await RecordedRun.PlayAsync(relaxed: true, messages: 200);
        Assert.Empty(await CutAsync(run, run.Disk.Log, seed: 3, cuts: _all ? 500 : 40, (rows, acknowledged) =>
        {
            for (var earlier = acknowledged; earlier >= -1; earlier--)
            {
                if (Lost(run, rows, earlier).Count == 0)
                {
                    return [];
                }
            }

            return ["the rows are those of no moment before the cut"];
        }));
    }

    [Fact]
    public async Task A_disk_that_only_says_that_it_synced_is_found_out()
    {
        await using var run = await RecordedRun.PlayAsync(relaxed: false, messages: 0);
        var lying = run.Disk.Log.Where(operation => operation.Step != DiskStep.Sync).ToList();
        Assert.NotEmpty(await CutAsync(run, lying, seed: 4, cuts: 20, (rows, acknowledged) => Lost(run, rows, acknowledged)));
    }

    /// <param name="cuts">How many points of the log are tried, spread evenly over it; in the full run, besides those around every sync.</param>
    /// <returns>What was wrong after which cut.</returns>
    private async Task<List<string>> CutAsync(
        RecordedRun run, IReadOnlyList<DiskOperation> log, int seed, int cuts, Func<DatabaseRows, int, List<string>> lost)
    {
        var images = 0;
        var failures = new List<string>();
        var random = new Random(seed);
        var disk = new DiskAtCut();
        var every = Math.Max(1, log.Count / cuts);
        var pending = new List<Task>();
        using var slots = new SemaphoreSlim(Environment.ProcessorCount);
        for (var at = 0; at <= log.Count; at++)
        {
            // In the full run before and after every sync, too.
            var synced = _all && ((at > 0 && log[at - 1].Step == DiskStep.Sync) || (at < log.Count && log[at].Step == DiskStep.Sync));
            if (synced || at % every == random.Next(every) || at == log.Count)
            {
                images++;
                var folder = TestFolder.Create();
                disk.WriteImage(folder, random);
                var (cut, acknowledged, thorough) = (at, disk.Acknowledged, images % 8 == 0);
                await slots.WaitAsync();
                pending.Add(Task.Run(async () =>
                {
                    var wrong = await WrongAsync(folder, rows => lost(rows, acknowledged), thorough);
                    if (wrong.Count > 0)
                    {
                        lock (failures)
                        {
                            var step = acknowledged + 1 < run.Steps.Count ? run.Steps[acknowledged + 1].Name : "the shutdown";
                            failures.Add($"cut {cut} of {log.Count}, seed {seed}, in {step}: {string.Join("; ", wrong.Take(5))}");
                        }
                    }

                    Directory.Delete(folder, recursive: true);
                    slots.Release();
                }));
            }

            if (at < log.Count)
            {
                disk.Advance(log[at]);
            }
        }

        await Task.WhenAll(pending);
        output.WriteLine($"{log.Count} operations, {log.Count(o => o.Step == DiskStep.Sync)} syncs, {images} cuts, {failures.Count} wrong");
        return failures;
    }

    private static List<string> Lost(RecordedRun run, DatabaseRows image, int acknowledged)
    {
        if (acknowledged < 0)
        {
            return [];
        }

        var next = acknowledged + 1 < run.Steps.Count ? run.Steps[acknowledged + 1] : null;
        return run.Steps[acknowledged].After.Misses(image, next?.After, next?.ManyWrites ?? false);
    }

    /// <summary>What is wrong with the files in a folder: with what they hold, then with how the server goes on from there.</summary>
    /// <param name="thorough">Looks through all of it once more at the end.</param>
    private static async Task<List<string>> WrongAsync(string folder, Func<DatabaseRows, List<string>> lost, bool thorough)
    {
        try
        {
            await using var database = Database.Open(new DatabaseOptions(Path.Combine(folder, "edgematrix.db")));
            var rows = DatabaseRows.Of(database);
            var wrong = Findings(database).Concat(lost(rows)).ToList();
            if (wrong.Count == 0)
            {
                var position = await database.WriteAsync(db => db.NextPosition());
                if (position <= rows.Position)
                {
                    wrong.Add($"position {position} comes after {rows.Position}");
                }

                await GoOnAsync(database);
                wrong.AddRange((thorough ? Findings(database) : []).Select(finding => "after going on: " + finding));
            }

            return wrong;
        }
        catch (Exception exception) when (exception is DatabaseException or InvalidOperationException)
        {
            return [exception.ToString()];
        }
    }

    private static async Task GoOnAsync(Database database)
    {
        if (AnyRoom(database) is not { } roomId)
        {
            return;
        }

        using var key = SigningKey.FromSeed("1", new byte[32]);
        var engine = new RoomEngine(database, new LocalServer("test", key), new ChangeNotifier(() => database.CommittedPosition, database.Memory), TimeProvider.System);
        var room = engine.Find(roomId)!;
        using var content = System.Text.Json.JsonDocument.Parse("""{"body":"on"}""");
        var outcome = await engine.SendAsync(room, new EventDraft("m.room.message", null, "@alice:test", content.RootElement), null, CancellationToken.None);
        if (outcome.Refusal is { } refusal)
        {
            throw new InvalidOperationException(refusal.Message);
        }
    }

    private static string? AnyRoom(Database database)
    {
        using var db = database.OpenSnapshot();
        using var query = db.Prepare("SELECT room_id FROM rooms ORDER BY nid LIMIT 1");
        return query.Step() ? query.Text(0) : null;
    }

    private static List<string> Findings(Database database)
    {
        using var db = database.OpenSnapshot();
        return [.. DatabaseCheck.Findings(db)];
    }
}
