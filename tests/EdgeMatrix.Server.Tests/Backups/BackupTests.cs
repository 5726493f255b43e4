using System.Collections.Concurrent;
using System.Formats.Tar;
using System.Text;
using EdgeMatrix.Server.Tests.Media;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Backups;

/// <summary><c>backup</c> beside a server that is at work, and <c>restore</c> of what came of it.</summary>
public sealed class BackupTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edgematrix-backup-").FullName;
    private TestHomeserver _server = null!;
    private TestSession _alice = null!;

    private string Archive => Path.Combine(_folder, "backup.tar");

    private string Restored => Path.Combine(_folder, "restored");

    public async ValueTask InitializeAsync()
    {
        _server = await TestHomeserver.StartAsync();
        _alice = await _server.RegisterAsync("alice", "DEVICE");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Under_load_a_backup_is_whole_and_has_all_that_was_acknowledged_before_it_began()
    {
        var room = await _alice.CreateRoomAsync();
        var acknowledged = new ConcurrentQueue<string>();
        using var enough = new CancellationTokenSource();
        var senders = Enumerable.Range(0, 4).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; !enough.IsCancellationRequested; i++)
            {
                acknowledged.Enqueue(await _alice.SendTextAsync(room, $"text {sender} {i}", $"{sender}-{i}"));
            }
        })).ToArray();

        for (var round = 0; round < 6; round++)
        {
            // Enough between two of them for the log to be moved into the database now and then.
            var goal = acknowledged.Count + 300;
            while (acknowledged.Count < goal)
            {
                await Task.Delay(1);
            }

            var before = acknowledged.ToArray();
            Assert.Equal((0, ""), await BackUpAsync());
            Assert.Equal((0, ""), await RestoreAsync());
            using (var database = ReadOnlyDatabase.Open(new DatabaseOptions(Path.Combine(Restored, "edgematrix.db"))))
            using (var db = database.OpenSnapshot())
            {
                Assert.Empty(DatabaseCheck.Findings(db));
                Assert.All(before, id => Assert.NotNull(Storage.Rooms.EventTable.Find(db, id)));
            }

            Directory.Delete(Restored, recursive: true);
        }

        await enough.CancelAsync();
        await Task.WhenAll(senders);
    }

    [Fact]
    public async Task A_client_that_synced_after_the_backup_goes_on_with_its_token_and_misses_nothing_new()
    {
        var room = await _alice.CreateRoomAsync();
        await _alice.SendTextAsync(room, "kept", "t1");
        await BackUpAsync();
        for (var i = 0; i < 50; i++)
        {
            await _alice.SendTextAsync(room, "lost", $"l{i}");
        }

        var since = (await _alice.GetAsync("/_matrix/client/v3/sync"))["next_batch"].GetString()!;
        await RestoreAsync();
        await using var restored = await TestHomeserver.StartOnAsync(Restored);
        var alice = _alice with { Server = restored };
        await alice.SendTextAsync(room, "new", "t2");

        var sync = await alice.GetAsync($"/_matrix/client/v3/sync?since={since}");

        var events = sync["rooms"].GetProperty("join").GetProperty(room).GetProperty("timeline").GetProperty("events");
        Assert.Equal(["new"], events.EnumerateArray().Select(e => e.GetProperty("content").GetProperty("body").GetString()));
    }

    [Fact]
    public async Task One_time_keys_are_dropped_and_fallback_keys_count_as_used()
    {
        await _server.Part<Database>().WriteAsync(db =>
        {
            db.Prepare("INSERT INTO one_time_keys (device, algorithm, key_id, key) VALUES (1, 'signed_curve25519', 'AAAA', '{}')").Run();
            db.Prepare("INSERT INTO fallback_keys (device, algorithm, key_id, key) VALUES (1, 'signed_curve25519', 'F', '{}')").Run();
        });
        await BackUpAsync();
        await RestoreAsync();
        await using var restored = await TestHomeserver.StartOnAsync(Restored);

        using var db = restored.Part<Database>().OpenSnapshot();
        Assert.Empty(Storage.Encryption.OneTimeKeyTable.Count(db, 1));
        Assert.True(Storage.Encryption.OneTimeKeyTable.WasClaimed(db, 1, "signed_curve25519", "AAAA", "{}"u8));
        Assert.Empty(Storage.Encryption.FallbackKeyTable.Unused(db, 1));
    }

    [Fact]
    public async Task Media_and_configuration_come_back_and_only_their_owner_may_read_them()
    {
        var picture = Encoding.UTF8.GetBytes(new string('x', 100_000));
        var media = await _alice.UploadAsync(picture);
        var orphan = Path.Combine(_server.DataFolder, "media", "aa", new string('b', 62));
        Directory.CreateDirectory(Path.GetDirectoryName(orphan)!);
        await File.WriteAllTextAsync(orphan, "of an upload that is not in the database yet");
        var configuration = Path.Combine(_folder, "my.toml");
        await File.WriteAllTextAsync(configuration, "[rooms]\ndefault_version = \"11\"\n");

        var (code, error) = await BackupCommandLine.RunAsync(_server.DataFolder, ["backup", Archive, "--config", configuration]);
        await RestoreAsync();

        Assert.Equal(0, code);
        Assert.Contains("is damaged", error, StringComparison.Ordinal);
        Assert.Equal("[rooms]\ndefault_version = \"11\"\n", await File.ReadAllTextAsync(Path.Combine(Restored, "edgematrix.toml")));
        if (!OperatingSystem.IsWindows())
        {
            string[] secrets = [Archive, Path.Combine(Restored, "edgematrix.db"), Path.Combine(Restored, "edgematrix.toml")];
            foreach (var file in secrets)
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }

        await using var restored = await TestHomeserver.StartOnAsync(Restored);
        using var answer = await (_alice with { Server = restored }).DownloadAsync(media);
        Assert.Equal(picture, await answer.Content.ReadAsByteArrayAsync());
        Assert.Single(MediaClient.FilesOf(restored));
    }

    [Fact]
    public async Task It_is_a_tar_file_in_which_what_stays_the_same_is_the_same_bytes_and_pipes_take_it_too()
    {
        await _alice.UploadAsync([1, 2, 3]);
        await BackUpAsync();
        using var piped = new MemoryStream();
        await BackupCommandLine.RunAsync(_server.DataFolder, ["backup", "-"], output: piped);
        Assert.Equal(await File.ReadAllBytesAsync(Archive), piped.ToArray());

        using var tar = new TarReader(new MemoryStream(piped.ToArray()));
        var names = new List<string>();
        while (tar.GetNextEntry() is { } entry)
        {
            names.Add(entry.Name);
        }

        Assert.Equal(
            ["edgematrix-backup", "edgematrix.db", "media/03/9058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81", "SHA256SUMS"], names);
        using var input = new MemoryStream(piped.ToArray());
        Assert.Equal((0, ""), await BackupCommandLine.RunAsync(Restored, ["restore", "-"], input));
        Assert.True(File.Exists(Path.Combine(Restored, names[2])));
    }

    [Fact]
    public async Task What_is_there_is_not_overwritten()
    {
        await BackUpAsync();
        Assert.Equal((0, ""), await BackUpAsync());
        var precious = Path.Combine(_folder, "edgematrix.toml");
        await File.WriteAllTextAsync(precious, "[server]");
        Directory.CreateDirectory(Restored);
        await File.WriteAllTextAsync(Path.Combine(Restored, "letter"), "dear");

        var backup = await BackupCommandLine.RunAsync(_server.DataFolder, ["backup", precious]);
        var restore = await RestoreAsync();
        var onServer = await BackupCommandLine.RunAsync(_server.DataFolder, ["restore", Archive]);

        Assert.Equal((2, $"edgematrix: {precious} is there, and is no backup: it was left as it is\n"), backup);
        Assert.Equal("[server]", await File.ReadAllTextAsync(precious));
        Assert.Equal(
            (2, $"edgematrix: {Archive} was not restored: {Restored} is not empty (letter is in it): restore into another data folder, or move this one away\n"),
            restore);
        Assert.Equal(["letter"], Directory.EnumerateFileSystemEntries(Restored).Select(Path.GetFileName));
        Assert.Equal(2, onServer.Code);
    }

    [Fact]
    public async Task A_backup_that_was_cut_or_changed_anywhere_is_refused_and_nothing_is_left_of_it()
    {
        await _alice.UploadAsync([1, 2, 3]);
        await BackUpAsync();
        var whole = await File.ReadAllBytesAsync(Archive);
        var random = new Random(1);
        var places = Enumerable.Range(0, 15).Select(_ => random.Next(whole.Length))
            .Concat(Enumerable.Range(0, 10).Select(_ => random.Next(1024)))
            .Concat(Enumerable.Range(1, 15).Select(_ => whole.Length - random.Next(1, 5000)));
        foreach (var place in places)
        {
            var flipped = whole.ToArray();
            flipped[place] ^= (byte)(1 << random.Next(8));
            await RequireRefusalAsync(flipped);
            await RequireRefusalAsync(whole[..place]);
        }

        await RequireRefusalAsync([.. whole, 0]);
        await RequireRefusalAsync([]);
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("/tmp/evil")]
    [InlineData("media/../../evil")]
    [InlineData("edgematrix.db")]
    public async Task A_tar_file_of_another_make_is_refused(string name)
    {
        using var foreign = new MemoryStream();
        await using (var tar = new TarWriter(foreign, TarEntryFormat.Ustar, leaveOpen: true))
        {
            await tar.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream([1]) });
        }

        await RequireRefusalAsync(foreign.ToArray());
        await BackUpAsync();
        var whole = await File.ReadAllBytesAsync(Archive);
        await RequireRefusalAsync([.. whole[..1024], .. foreign.ToArray()]);
        Assert.False(File.Exists(Path.Combine(_folder, "evil")));
    }

    private Task<(int Code, string Error)> BackUpAsync() => BackupCommandLine.RunAsync(_server.DataFolder, ["backup", Archive]);

    private Task<(int Code, string Error)> RestoreAsync() => BackupCommandLine.RunAsync(Restored, ["restore", Archive]);

    private async Task RequireRefusalAsync(byte[] bytes)
    {
        using var input = new MemoryStream(bytes);
        var (code, error) = await BackupCommandLine.RunAsync(Restored, ["restore", "-"], input);
        Assert.Equal(2, code);
        Assert.StartsWith("edgematrix: - was not restored: ", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Restored));
    }
}
