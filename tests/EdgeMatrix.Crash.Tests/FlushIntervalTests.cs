using EdgeMatrix.Crash.Tests.Disks;
using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Microsoft.Extensions.Time.Testing;
using SQLitePCL;
using Xunit;

namespace EdgeMatrix.Crash.Tests;

/// <summary>With relaxed durability and a flush interval, a power cut takes what was written since the last flush, and no more.</summary>
public sealed class FlushIntervalTests : IDisposable
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(5);

    private readonly RecordedDisk _disk = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _disk.Dispose();

    [Fact]
    public async Task A_power_cut_loses_nothing_from_before_the_last_flush_and_leaves_no_gap()
    {
        await using (var database = Open())
        {
            for (var written = 0; written < 80;)
            {
                for (var n = 0; n < 4; n++)
                {
                    await WriteAsync(database, written++);
                }

                await PassAsync(database, _interval);
                _disk.Acknowledge(written);
            }
        }

        var disk = new DiskAtCut();
        var random = new Random(8);
        foreach (var operation in _disk.Log)
        {
            disk.Advance(operation);
            var folder = TestFolder.Create();
            disk.WriteImage(folder, random);
            var rows = await RowsAsync(folder);
            Assert.Equal(Enumerable.Range(0, rows.Count), rows);
            Assert.True(rows.Count >= disk.Acknowledged, $"{rows.Count} of {disk.Acknowledged}");
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task The_disk_is_waited_for_once_an_interval_and_only_when_something_was_written()
    {
        await using var database = Open();
        var before = database.Fsyncs;
        for (var n = 0; n < 50; n++)
        {
            await WriteAsync(database, n);
        }

        await PassAsync(database, _interval - TimeSpan.FromSeconds(1));
        Assert.Equal(before, database.Fsyncs);
        await PassAsync(database, TimeSpan.FromSeconds(1));
        Assert.Equal(before + 1, database.Fsyncs);
        var (syncs, bytes) = (_disk.Log.Count(operation => operation.Step == DiskStep.Sync), database.WrittenBytes);
        for (var n = 0; n < 10; n++)
        {
            await PassAsync(database, _interval);
        }

        Assert.Equal((before + 1, syncs, bytes), (database.Fsyncs, _disk.Log.Count(operation => operation.Step == DiskStep.Sync), database.WrittenBytes));
    }

    [Fact]
    public async Task A_failed_flush_is_told_and_the_log_left_to_the_next_start()
    {
        await using var database = Open();
        await WriteAsync(database, 0);
        _disk.Fault = step => step == DiskStep.Sync ? raw.SQLITE_IOERR_FSYNC : 0;
        await PassAsync(database, _interval);
        _disk.Fault = null;
        Assert.NotNull(database.DiskFailure);
        await WriteAsync(database, 1);
        await PassAsync(database, _interval);
        Assert.NotNull(database.DiskFailure);
    }

    private Database Open() => Database.Open(new DatabaseOptions(Path.Combine(_disk.Folder, "edgematrix.db"))
    {
        RelaxedDurability = true,
        FlushInterval = _interval,
        Time = _time,
    });

    private static Task WriteAsync(Database database, int number) => database.WriteAsync(db =>
    {
        using var insert = db.Prepare("INSERT INTO settings (key, value) VALUES (?, '')").Bind($"{number:D4}");
        insert.Run();
    });

    /// <summary>Lets time pass, and what became due by it be done. What is queued after that is not part of it.</summary>
    private async Task PassAsync(Database database, TimeSpan time)
    {
        _time.Advance(time);
        try
        {
            await database.WriteAsync(_ => { });
        }
        catch (DatabaseException)
        {
            // It was in the group of a flush that failed.
        }

        // The flush may have come in a group after that one.
        await database.WriteAsync(_ => { });
    }

    private static async Task<List<int>> RowsAsync(string folder)
    {
        await using var database = Database.Open(new DatabaseOptions(Path.Combine(folder, "edgematrix.db")));
        using var db = database.OpenSnapshot();
        using var query = db.Prepare("SELECT key FROM settings WHERE length(key) = 4 ORDER BY key");
        var rows = new List<int>();
        while (query.Step())
        {
            rows.Add(int.Parse(query.Text(0), System.Globalization.CultureInfo.InvariantCulture));
        }

        return rows;
    }
}
