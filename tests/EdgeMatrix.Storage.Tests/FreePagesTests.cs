using EdgeMatrix.Storage.Checks;
using Xunit;

namespace EdgeMatrix.Storage.Tests;

public sealed class FreePagesTests : IAsyncLifetime
{
    private readonly TemporaryDatabase _files = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Fact]
    public async Task The_file_shrinks_after_much_was_deleted_while_others_write()
    {
        var database = _files.Open();
        await FillAsync(database);
        await CheckpointAsync(database);
        var full = new FileInfo(_files.Path).Length;
        await EmptyAsync(database);

        var written = 0;
        do
        {
            await database.WriteAsync(db => SettingsTable.Set(db, $"during{written++}", "v"));
        }
        while (await database.ShrinkSliceAsync());

        Assert.InRange(new FileInfo(_files.Path).Length, 1, full / 4);
        Assert.True(written > 10);
        using var snapshot = database.OpenSnapshot();
        Assert.Equal(0, FreePages.Read(snapshot).Free);
        Assert.Equal("v", SettingsTable.Get(snapshot, $"during{written - 1}"));
        Assert.Empty(DatabaseCheck.Findings(snapshot));
    }

    [Fact]
    public async Task What_a_reader_holds_up_is_given_back_by_the_next_call()
    {
        var database = _files.Open();
        await FillAsync(database);
        await CheckpointAsync(database);
        var full = new FileInfo(_files.Path).Length;
        await EmptyAsync(database);
        using (var reading = database.OpenSnapshot())
        {
            Assert.True(FreePages.Read(reading).IsMuch);
            while (await database.ShrinkSliceAsync())
            {
            }

            Assert.InRange(new FileInfo(_files.Path).Length, full, long.MaxValue);
        }

        while (await database.ShrinkSliceAsync())
        {
        }

        Assert.InRange(new FileInfo(_files.Path).Length, 1, full / 4);
    }

    [Fact]
    public async Task A_few_free_pages_stay_for_what_comes_next()
    {
        var database = _files.Open();
        await database.WriteAsync(db => SettingsTable.Set(db, "k", new string('v', 100_000)));
        await EmptyAsync(database);
        Assert.False(await database.ShrinkSliceAsync());
        using var snapshot = database.OpenSnapshot();
        Assert.True(FreePages.Read(snapshot).Free > 0);
    }

    [Fact]
    public async Task A_file_without_the_map_shrinks_and_gets_it_when_it_is_written_anew()
    {
        await MakeWithoutMapAsync();
        var database = _files.Open();
        using (var snapshot = database.OpenSnapshot())
        {
            Assert.False(FreePages.Read(snapshot).CanShrink);
        }

        await FillAsync(database);
        await EmptyAsync(database);
        await database.WriteAsync(db => SettingsTable.Set(db, "kept", "v"));
        Assert.False(await database.ShrinkSliceAsync());
        Assert.Throws<DatabaseException>(() => DatabaseRewrite.Run(_files.Path));
        await _files.CloseAsync();

        var (before, after) = DatabaseRewrite.Run(_files.Path);
        Assert.InRange(after, 1, before / 4);
        database = _files.Open();
        using (var snapshot = database.OpenSnapshot())
        {
            Assert.True(FreePages.Read(snapshot).CanShrink);
            Assert.Equal("v", SettingsTable.Get(snapshot, "kept"));
            Assert.Empty(DatabaseCheck.Findings(snapshot));
        }
    }

    private async Task MakeWithoutMapAsync()
    {
        await _files.Open().DisposeAsync();
        using var connection = DatabaseConnection.Open(_files.Path, 1024);
        connection.Execute("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM;");
    }

    private static async Task FillAsync(Database database)
    {
        for (var n = 0; n < 40; n++)
        {
            await database.WriteAsync(db => SettingsTable.Set(db, $"k{n}", new string('v', 100_000)));
        }
    }

    private static Task EmptyAsync(Database database) => database.WriteAsync(db =>
    {
        using var delete = db.Prepare("DELETE FROM settings WHERE key LIKE 'k%'");
        delete.Run();
    });

    private static async Task CheckpointAsync(Database database)
    {
        // A log that grows long is moved into the file.
        for (var n = 0; n < 50; n++)
        {
            await database.WriteAsync(db => SettingsTable.Set(db, "k0", new string((char)('a' + (n % 26)), 100_000)));
        }
    }
}
