using Xunit;

namespace EdgeMatrix.Storage.Tests;

public sealed class SnapshotTests : IAsyncLifetime
{
    private readonly TemporaryDatabase _files = new();
    private Database _database = null!;

    public ValueTask InitializeAsync()
    {
        _database = _files.Open(new DatabaseOptions(_files.Path) { Readers = 2 });
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Fact]
    public async Task A_snapshot_stays_as_it_was()
    {
        await SetAsync("one");
        using var before = _database.OpenSnapshot();
        await SetAsync("two");
        using var after = _database.OpenSnapshot();

        Assert.Equal(1, Count(before));
        Assert.Equal(2, Count(after));
        Assert.Equal(1, before.Position);
        Assert.Equal(2, after.Position);
        Assert.Equal(2, _database.Reads);
    }

    [Fact]
    public async Task A_snapshot_waits_for_a_free_reader()
    {
        var first = _database.OpenSnapshot();
        var second = _database.OpenSnapshot();
        var third = Task.Factory.StartNew(() => _database.OpenSnapshot().Dispose(), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.False(third.IsCompleted);

        first.Dispose();
        await third;
        second.Dispose();
    }

    [Fact]
    public void A_snapshot_cannot_write() => Assert.Throws<DatabaseException>(() =>
    {
        using var db = _database.OpenSnapshot();
        using var insert = db.Prepare("INSERT INTO settings (key, value) VALUES ('a', 'b')");
        insert.Run();
    });

    [Fact]
    public async Task A_forgotten_statement_does_not_hold_the_old_state()
    {
        await SetAsync("one");
        await SetAsync("two");
        for (var n = 0; n < 3; n++)
        {
            using var db = _database.OpenSnapshot();
            var forgotten = db.Prepare("SELECT key FROM settings");
            Assert.True(forgotten.Step());
        }

        await SetAsync("three");
        using var later = _database.OpenSnapshot();
        Assert.Equal(3, Count(later));
    }

    [Fact]
    public void A_snapshot_ends_with_its_disposal()
    {
        var db = _database.OpenSnapshot();
        db.Dispose();
        db.Dispose();

        Assert.Throws<ObjectDisposedException>(() => db.Prepare("SELECT 1"));
    }

    private Task SetAsync(string key) => _database.WriteAsync(db =>
    {
        db.NextPosition();
        using var insert = db.Prepare("INSERT INTO settings (key, value) VALUES (?, 'v')").Bind(key);
        insert.Run();
    });

    private static long Count(Session db)
    {
        using var query = db.Prepare("SELECT count(*) FROM settings");
        return query.Step() ? query.Int64(0) : -1;
    }
}
