using System.Net;
using EdgeMatrix.Crash.Tests.Disks;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Crash.Tests;

/// <summary>
/// The power goes between any two things that a backup or a restore asks of its disk: there is the last good backup or the new one, and the
/// next takes its place; there is the whole server or a folder on which none starts.
/// </summary>
/// <remarks>Where <c>EDGEMATRIX_POWER_CUTS=all</c> several times at each point, as what was not synced is lost at random.</remarks>
public sealed class BackupPowerCutTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly bool _all = Environment.GetEnvironmentVariable("EDGEMATRIX_POWER_CUTS") == "all";

    private readonly string _folder = TestFolder.Create();
    private readonly Dictionary<string, byte[]> _media = [];
    private readonly Random _random = new(11);
    private TestHomeserver _server = null!;
    private TestSession _alice = null!;
    private string _room = "";

    private string Traced => Path.Combine(_folder, "traced");

    private string Calls => Path.Combine(_folder, "calls");

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Traced);
        _server = await TestHomeserver.StartAsync();
        _alice = await _server.RegisterAsync("alice");
        _room = await _alice.CreateRoomAsync();
        await UploadAsync(90_000);
        await UploadAsync(700);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_backup_leaves_the_last_one_or_is_whole()
    {
        Assert.SkipUnless(TracedFolder.IsPossible, "needs strace");
        var file = Path.Combine(Traced, "backup");
        await RunAsync([], "backup", file, "--data", _server.DataFolder);
        var last = await File.ReadAllBytesAsync(file);
        await UploadAsync(20_000);
        await _alice.SendTextAsync(_room, "one more", "1");
        var log = await TraceAsync("backup", file, "--data", _server.DataFolder);
        var next = await File.ReadAllBytesAsync(file);

        await CutAsync(log, times: 8, async (folder, isDone) =>
        {
            var path = Path.Combine(folder, "backup");
            var found = await File.ReadAllBytesAsync(path);
            Assert.True(found.AsSpan().SequenceEqual(next) || (!isDone && found.AsSpan().SequenceEqual(last)), "it is neither the last backup nor the next");
            await RunAsync([], "backup", path, "--data", _server.DataFolder);
            Assert.Equal([path], Directory.GetFiles(folder));
        });
    }

    [Fact]
    public async Task A_restore_leaves_a_whole_server_or_none_that_starts()
    {
        Assert.SkipUnless(TracedFolder.IsPossible, "needs strace");
        await _alice.SendTextAsync(_room, "what was said", "1");
        var file = Path.Combine(_folder, "backup");
        await RunAsync([], "backup", file, "--data", _server.DataFolder);
        var log = await TraceAsync("restore", file, "--data", Path.Combine(Traced, "data"));
        var (whole, refused) = (0, 0);

        await CutAsync(log, times: 4, async (folder, isDone) =>
        {
            var data = Path.Combine(folder, "data");
            if (!File.Exists(Path.Combine(data, "edgematrix.db")))
            {
                Assert.False(isDone, "what was restored is gone");
                if (!Directory.Exists(data) || !Directory.EnumerateFileSystemEntries(data).Any(entry => !entry.EndsWith(".lock", StringComparison.Ordinal)))
                {
                    return;
                }

                refused++;
                var refusal = Assert.Throws<DatabaseException>(() => Database.Open(new DatabaseOptions(Path.Combine(data, "edgematrix.db"))));
                Assert.Contains("was not finished. Empty that folder", refusal.Message, StringComparison.Ordinal);
                return;
            }

            whole++;
            await using var server = await TestHomeserver.StartOnAsync(data);
            foreach (var (id, bytes) in _media)
            {
                Assert.Equal(bytes, await DownloadAsync(server, id));
            }

            using (var db = server.Part<Database>().OpenSnapshot())
            {
                Assert.Empty(DatabaseCheck.Findings(db));
            }

            var said = await server.GetAsync($"/_matrix/client/v3/rooms/{_room}/messages?dir=b&limit=1", _alice.Token);
            Assert.Equal("what was said", said["chunk"][0].GetProperty("content").GetProperty("body").GetString());
            Assert.False(Directory.Exists(Path.Combine(data, "restoring")), "what it was read into is still there");
        });
        Assert.True(whole > 0 && refused > 0, $"{whole} whole, {refused} refused");
    }

    private async Task<IReadOnlyList<DiskOperation>> TraceAsync(params string[] command)
    {
        var traced = new TracedFolder(Traced);
        traced.Begin();
        traced.Acknowledge(0);
        await RunAsync(TracedFolder.Words(Calls), command);
        traced.Acknowledge(1);
        traced.Read(Calls);
        return traced.Log;
    }

    /// <param name="check">What must hold in a folder as a cut leaves it, and whether the command had ended.</param>
    private async Task CutAsync(IReadOnlyList<DiskOperation> log, int times, Func<string, bool, Task> check)
    {
        var cuts = 0;
        var random = new Random(5);
        var disk = new DiskAtCut();
        for (var at = 0; at <= log.Count; at++)
        {
            // Of writes one after another, those to the database of a restore, and the parts of a backup, one in eight.
            var between = at == log.Count || log[at].Step != DiskStep.Write || log[at - 1].Step != DiskStep.Write || at % 8 == 0;
            for (var time = 0; disk.Acknowledged >= 0 && between && time < (_all ? times : 1); time++)
            {
                cuts++;
                var folder = TestFolder.Create();
                try
                {
                    disk.WriteImage(folder, random);
                    await check(folder, disk.Acknowledged > 0);
                }
                catch (Exception exception)
                {
                    throw new InvalidOperationException($"cut {at} of {log.Count}, in {string.Join(' ', Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories))}", exception);
                }
                finally
                {
                    if (Directory.Exists(folder))
                    {
                        Directory.Delete(folder, recursive: true);
                    }
                }
            }

            if (at < log.Count)
            {
                disk.Advance(log[at]);
            }
        }

        output.WriteLine($"{log.Count} operations, {log.Count(o => o.Step is DiskStep.Sync or DiskStep.SyncFolder)} syncs, {cuts} cuts");
    }

    private static async Task RunAsync(string[] before, params string[] command)
    {
        var run = await ExecutableRun.RunAsync(before, command);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    private async Task UploadAsync(int size)
    {
        var bytes = new byte[size];
        _random.NextBytes(bytes);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/_matrix/media/v3/upload") { Content = new ByteArrayContent(bytes) };
        request.Headers.Add("Authorization", $"Bearer {_alice.Token}");
        using var answer = await _server.Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, text);
        _media[text[(text.LastIndexOf('/') + 1)..text.LastIndexOf('"')]] = bytes;
    }

    private async Task<byte[]> DownloadAsync(TestHomeserver server, string id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/_matrix/client/v1/media/download/test/{id}");
        request.Headers.Add("Authorization", $"Bearer {_alice.Token}");
        using var answer = await server.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsByteArrayAsync();
    }
}
