using Xunit;

namespace EdgeMatrix.Storage.Tests;

public sealed class ReadOnlyDatabaseTests : IAsyncLifetime
{
    private readonly TemporaryDatabase _files = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Fact]
    public async Task It_reads_beside_the_server_and_sees_what_is_committed_meanwhile()
    {
        var database = _files.Open();
        using var reading = ReadOnlyDatabase.Open(new DatabaseOptions(_files.Path));
        Assert.Null(Value(reading));

        await database.WriteAsync(db => SettingsTable.Set(db, "k", "v"));

        Assert.Equal("v", Value(reading));
        await database.WriteAsync(db => SettingsTable.Set(db, "k", "w"));
        Assert.Equal("w", Value(reading));
    }

    [Fact]
    public async Task It_reads_what_a_stopped_server_left_and_holds_no_server_up()
    {
        await _files.Open().WriteAsync(db => SettingsTable.Set(db, "k", "v"));
        await _files.CloseAsync();

        using var reading = ReadOnlyDatabase.Open(new DatabaseOptions(_files.Path));
        Assert.Equal("v", Value(reading));

        await _files.Open().WriteAsync(db => SettingsTable.Set(db, "k", "w"));
        Assert.Equal("w", Value(reading));
    }

    [Fact]
    public async Task It_reads_the_log_of_a_server_that_died_and_moves_none_of_it_into_the_file()
    {
        await _files.Open().WriteAsync(db => SettingsTable.Set(db, "k", "v"));
        var copy = _files.Path + ".copy";
        File.Copy(_files.Path, copy);
        File.Copy(_files.Path + "-wal", copy + "-wal");
        var before = await File.ReadAllBytesAsync(copy, TestContext.Current.CancellationToken);

        using (var reading = ReadOnlyDatabase.Open(new DatabaseOptions(copy)))
        {
            Assert.Equal("v", Value(reading));
        }

        Assert.Equal(before, await File.ReadAllBytesAsync(copy, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void It_cannot_write()
    {
        _files.Open();
        using var reading = ReadOnlyDatabase.Open(new DatabaseOptions(_files.Path));
        using var snapshot = reading.OpenSnapshot();
        using var insert = snapshot.Prepare("INSERT INTO settings VALUES ('k', 'v')");

        Assert.Contains("readonly", Assert.Throws<DatabaseException>(insert.Run).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_is_missing_or_of_an_older_schema_is_refused_by_its_name()
    {
        Assert.Contains(
            $"{_files.Path} is not there: no server has run on this data folder",
            Assert.Throws<DatabaseException>(() => ReadOnlyDatabase.Open(new DatabaseOptions(_files.Path))).Message,
            StringComparison.Ordinal);

        _files.Open(Migrations.All[..1]);
        await _files.CloseAsync();

        Assert.Contains(
            $"{_files.Path} was written by an older EdgeMatrix (schema 1; this one reads {Migrations.All.Length})",
            Assert.Throws<DatabaseException>(() => ReadOnlyDatabase.Open(new DatabaseOptions(_files.Path))).Message,
            StringComparison.Ordinal);
    }

    private static string? Value(ReadOnlyDatabase database)
    {
        using var snapshot = database.OpenSnapshot();
        return SettingsTable.Get(snapshot, "k");
    }
}
