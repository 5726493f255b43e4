using System.Globalization;
using Xunit;

namespace EdgeMatrix.Storage.Tests;

public sealed class KillTests : IAsyncLifetime
{
    private readonly TemporaryDatabase _files = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Fact]
    public async Task Every_acknowledged_write_outlives_kill_9()
    {
        var random = new Random(20);
        var acknowledged = new List<(string Key, long Position)>();
        for (var round = 0; round < 10; round++)
        {
            var before = acknowledged.Count;
            using (var process = new TortureProcess("write", _files.Path))
            {
                acknowledged.Add(Parse((await process.Output.ReadLineAsync(TestContext.Current.CancellationToken))!));
                await Task.Delay(random.Next(200), TestContext.Current.CancellationToken);
                process.Kill();

                // A last line without its end was not all said.
                var rest = await process.Output.ReadToEndAsync(TestContext.Current.CancellationToken);
                acknowledged.AddRange(rest.Split('\n')[..^1].Select(Parse));
            }

            var database = _files.Open();
            AssertWhole(database);
            AssertHas(database, acknowledged);
            Assert.True(database.CommittedPosition >= acknowledged.Max(write => write.Position));
            var position = await database.WriteAsync(db => db.NextPosition());
            Assert.True(position > acknowledged.Max(write => write.Position));
            Assert.True(acknowledged.Count > before);
            await _files.CloseAsync();
        }

        Assert.Equal(acknowledged.Count, acknowledged.Select(write => write.Position).Distinct().Count());
    }

    [Fact]
    public async Task An_interrupted_migration_leaves_a_database_that_goes_on()
    {
        var random = new Random(21);
        var versions = new List<long>();
        for (var round = 0; round < 8; round++)
        {
            using (var process = new TortureProcess("migrate", _files.Path))
            {
                var opened = process.Output.ReadToEndAsync(TestContext.Current.CancellationToken);
                await Task.WhenAny(opened, Task.Delay(80 + random.Next(250), TestContext.Current.CancellationToken));
                process.Kill();
            }

            if (!File.Exists(_files.Path))
            {
                continue;
            }

            using var connection = DatabaseConnection.Open(_files.Path, 512);
            Assert.Equal("ok", connection.Scalar("PRAGMA integrity_check"));
            var version = long.Parse(connection.Scalar("PRAGMA user_version")!, CultureInfo.InvariantCulture);
            var tables = long.Parse(connection.Scalar("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'step%'")!, CultureInfo.InvariantCulture);
            Assert.Equal(version, tables);
            if (version > 0)
            {
                Assert.Equal("20000", connection.Scalar($"SELECT count(*) FROM step{version}"));
            }

            versions.Add(version);
        }

        Assert.Equal(versions.Order(), versions);

        using (var last = new TortureProcess("migrate", _files.Path))
        {
            Assert.Equal("open", await last.Output.ReadLineAsync(TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task A_second_process_is_refused_until_the_first_ends()
    {
        using var holder = new TortureProcess("hold", _files.Path);
        Assert.Equal("open", await holder.Output.ReadLineAsync(TestContext.Current.CancellationToken));

        using (var second = new TortureProcess("hold", _files.Path))
        {
            var answer = await second.Output.ReadLineAsync(TestContext.Current.CancellationToken);
            Assert.StartsWith($"refused: {_files.Path} is in use", answer, StringComparison.Ordinal);
        }

        holder.Kill();
        AssertWhole(_files.Open());
    }

    private static (string Key, long Position) Parse(string line)
    {
        var parts = line.Split(' ');
        return (parts[0], long.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    private static void AssertWhole(Database database)
    {
        using var db = database.OpenSnapshot();
        using var check = db.Prepare("PRAGMA integrity_check");
        Assert.True(check.Step());
        Assert.Equal("ok", check.Text(0));
    }

    private static void AssertHas(Database database, IEnumerable<(string Key, long Position)> writes)
    {
        using var db = database.OpenSnapshot();
        using var query = db.Prepare("SELECT value FROM settings WHERE key = ?");
        foreach (var (key, position) in writes)
        {
            Assert.True(query.Bind(key).Step(), key);
            var value = query.Text(0).Split(' ');
            Assert.Equal(position, long.Parse(value[0], CultureInfo.InvariantCulture));
            Assert.Equal(position, StateNodes.Find(db, long.Parse(value[1], CultureInfo.InvariantCulture), 1));
        }
    }
}
