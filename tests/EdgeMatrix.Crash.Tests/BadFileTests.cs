using System.Runtime.Versioning;
using System.Security.Cryptography;
using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using SQLitePCL;
using Xunit;

namespace EdgeMatrix.Crash.Tests;

/// <summary>A data folder that cannot be used: a sentence that says what is wrong and what to do, exit code 2, and no byte changed.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class BadFileTests : IAsyncLifetime
{
    private const int PageBytes = 4096;

    private readonly string _data = Directory.CreateTempSubdirectory("edgematrix-bad-").FullName;

    private string DatabasePath => Path.Combine(_data, "edgematrix.db");

    /// <summary>A server's database with a room in it, its log moved into the file.</summary>
    public async ValueTask InitializeAsync()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with { Server = options.Server with { Data = _data } });
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        for (var n = 0; n < 30; n++)
        {
            await alice.SendTextAsync(room, $"message {n}", $"t{n}");
        }
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_data, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Pages_that_were_overwritten_are_told(int seed)
    {
        var random = new Random(seed);
        Damage(bytes =>
        {
            // The two first pages are the header with the schema, and the first table.
            for (var n = 0; n < 3; n++)
            {
                random.NextBytes(bytes.AsSpan(random.Next(2, bytes.Length / PageBytes) * PageBytes, PageBytes));
            }

            return bytes;
        });

        await AssertRefusedAsync("edgematrix.db", "restore a backup");
    }

    [Fact]
    public async Task A_file_that_lost_its_end_is_told()
    {
        Damage(bytes => bytes[..(bytes.Length / 2 / PageBytes * PageBytes)]);

        await AssertRefusedAsync("edgematrix.db", "restore a backup");
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_told()
    {
        Damage(_ => "This is a letter to my aunt, and nothing that a server should write to."u8.ToArray());

        await AssertRefusedAsync("edgematrix.db", "is not a database");
    }

    [Fact]
    public async Task The_database_of_another_program_is_told()
    {
        File.Delete(DatabasePath);
        Run("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1); PRAGMA journal_mode = WAL");

        await AssertRefusedAsync("edgematrix.db", "the database of another program");
    }

    [Fact]
    public async Task The_database_of_a_newer_version_is_told()
    {
        Run("PRAGMA user_version = 999");

        await AssertRefusedAsync("newer EdgeMatrix (schema 999", "Run that one, or restore a backup");
    }

    [Fact]
    public async Task A_log_of_another_database_beside_the_file_is_told()
    {
        // A log of some pages, as a server leaves it that was killed, beside a file that it is not of.
        var log = Path.Combine(_data, "kept");
        var other = Path.Combine(Directory.CreateDirectory(Path.Combine(_data, "other")).FullName, "edgematrix.db");
        await using (Database.Open(new DatabaseOptions(other)))
        {
        }

        await using (var database = Database.Open(new DatabaseOptions(other)))
        {
            await database.WriteAsync(db => SettingsTable.Set(db, "a", new string('a', 20_000)));
            File.Copy(other + "-wal", log);
        }

        File.Move(log, DatabasePath + "-wal");
        Directory.Delete(Path.GetDirectoryName(other)!, recursive: true);

        await AssertRefusedAsync("edgematrix.db", "the -wal file beside it");
    }

    [Fact]
    public async Task A_file_or_folder_of_another_user_is_told()
    {
        // Root may do all; so the server runs as nobody.
        File.SetUnixFileMode(_data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await AssertRefusedAsync(_data, "by this user", asNobody: true);

        File.SetUnixFileMode(_data, (UnixFileMode)0b111_111_111);
        File.SetUnixFileMode(DatabasePath, UnixFileMode.UserRead);
        File.Delete(DatabasePath + ".lock");
        await AssertRefusedAsync("edgematrix.db", "by this user", asNobody: true);

        File.SetUnixFileMode(DatabasePath, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await AssertRefusedAsync("edgematrix.db may only be read by this user", "to the user that runs EdgeMatrix", asNobody: true);
    }

    [Fact]
    public async Task A_disk_that_may_only_be_read_is_told()
    {
        using var mount = TestMount.ReadOnly(_data);
        await AssertRefusedAsync("edgematrix.db", "writable by this user");
    }

    [Fact]
    public async Task A_disk_that_is_full_at_the_first_start_is_told_and_does_once_it_has_space()
    {
        using var mount = TestMount.OfSize(Directory.CreateDirectory(Path.Combine(_data, "small")).FullName, "64k");
        var run = await ExecutableRun.ServeAsync(mount.Path);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("The disk is full: make space on it, then start again.", run.Error, StringComparison.Ordinal);

        mount.Resize("16m");
        await using var server = await TestHomeserver.StartAsync(options => options with { Server = options.Server with { Data = mount.Path } });
        await server.RegisterAsync("alice");
    }

    [Fact]
    public async Task A_data_path_that_is_a_file_is_told()
    {
        var path = Path.Combine(_data, "file");
        await File.WriteAllTextAsync(path, "mine");

        var run = await ExecutableRun.ServeAsync(path);
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"edgematrix: The data folder {path} cannot be made: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("Give --data a folder", run.Error, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(path));
    }

    [Fact]
    public async Task A_folder_that_may_not_be_made_is_told()
    {
        var run = await ExecutableRun.ServeAsync("/proc/nothing/here");
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("edgematrix: The data folder /proc/nothing/here cannot be made: ", run.Error, StringComparison.Ordinal);
    }

    private async Task AssertRefusedAsync(string what, string whatToDo, bool asNobody = false)
    {
        var before = Hashes();
        string[] user = asNobody ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
        var run = await ExecutableRun.ServeAsync(_data, user);
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("edgematrix: ", run.Error, StringComparison.Ordinal);
        Assert.Equal(1, run.Error.Count(c => c == '\n'));
        Assert.Contains(what, run.Error, StringComparison.Ordinal);
        Assert.Contains(whatToDo, run.Error, StringComparison.Ordinal);
        Assert.Equal(before, Hashes());
    }

    /// <summary>Of the database and its log. The index of a log is SQLite's to make anew.</summary>
    private List<string> Hashes() => [.. new[] { DatabasePath, DatabasePath + "-wal" }
        .Where(path => File.Exists(path) && new FileInfo(path).Length > 0)
        .Select(path => $"{path} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}")];

    private void Damage(Func<byte[], byte[]> change) => File.WriteAllBytes(DatabasePath, change(File.ReadAllBytes(DatabasePath)));

    private void Run(string sql)
    {
        Batteries_V2.Init();
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_open(DatabasePath, out var handle));
        using (handle)
        {
            Assert.Equal(raw.SQLITE_OK, raw.sqlite3_exec(handle, sql));
        }
    }
}
