using System.Net;
using System.Security.Cryptography;
using EdgeMatrix.Crash.Tests.Disks;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Crash.Tests;

/// <summary>
/// The power goes between any two things that a server asks of its disk while media come and go and the database is written anew: what was
/// acknowledged can be downloaded byte for byte, what was deleted is gone with its space, and no row is without its file.
/// </summary>
/// <remarks>Where <c>EDGEMATRIX_POWER_CUTS=all</c> three times at each point, as what was not synced is lost at random.</remarks>
public sealed class MediaPowerCutTests(ITestOutputHelper output)
{
    private static readonly bool _all = Environment.GetEnvironmentVariable("EDGEMATRIX_POWER_CUTS") == "all";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_power_cut_leaves_every_upload_whole_or_nothing_of_it(bool relaxed)
    {
        Assert.SkipUnless(TracedFolder.IsPossible, "needs strace");
        using var run = await MediaRun.PlayAsync(relaxed);
        Assert.Equal([], await CutAsync(run, run.Traced.Log, times: _all ? 3 : 1, every: _all ? 1 : 4));
    }

    [Fact]
    public async Task A_disk_that_brings_no_names_to_itself_is_found_out()
    {
        Assert.SkipUnless(TracedFolder.IsPossible, "needs strace");
        using var run = await MediaRun.PlayAsync(relaxed: false);
        var begun = run.Traced.Log.ToList().FindIndex(operation => operation.Step == DiskStep.Acknowledged);
        var lying = run.Traced.Log.Where((operation, at) => at < begun || operation.Step != DiskStep.SyncFolder).ToList();
        Assert.NotEmpty(await CutAsync(run, lying, times: 1, every: 8));
    }

    private async Task<List<string>> CutAsync(MediaRun run, IReadOnlyList<DiskOperation> log, int times, int every)
    {
        var cuts = 0;
        var wrong = new List<string>();
        var random = new Random(5);
        var disk = new DiskAtCut();
        for (var at = 0; at <= log.Count; at++)
        {
            // Before the first step the folder is that of an older server. Writes are many, and the database's own cuts are in PowerCutTests.
            var between = at == log.Count || log[at].Step != DiskStep.Write || log[at - 1].Step != DiskStep.Write;
            for (var time = 0; disk.Acknowledged >= 0 && between && (at + time) % every == 0 && time < times; time++)
            {
                cuts++;
                var folder = TestFolder.Create();
                disk.WriteImage(folder, random);
                foreach (var finding in await FindingsAsync(run, folder, disk.Acknowledged))
                {
                    wrong.Add($"cut {at} of {log.Count}, after \"{run.Steps[disk.Acknowledged].Name}\": {finding}");
                }
            }

            if (at < log.Count)
            {
                disk.Advance(log[at]);
            }
        }

        output.WriteLine($"{log.Count} operations, {log.Count(o => o.Step is DiskStep.Sync or DiskStep.SyncFolder)} syncs, {cuts} cuts, {wrong.Count} wrong");
        return wrong;
    }

    private static async Task<List<string>> FindingsAsync(MediaRun run, string folder, int acknowledged)
    {
        try
        {
            await using var server = await TestHomeserver.StartOnAsync(folder);
            var (now, next) = (run.Steps[acknowledged].Files, run.Steps[Math.Min(acknowledged + 1, run.Steps.Count - 1)].Files);
            var wrong = new List<string>();
            foreach (var id in run.Steps.SelectMany(step => step.Files.Keys).Distinct())
            {
                var found = await DownloadAsync(server, run.Token, id);
                if (!Same(found, now.GetValueOrDefault(id)) && !Same(found, next.GetValueOrDefault(id)))
                {
                    wrong.Add(found is null ? $"{id} is lost" : $"{id} is there as {found.Length} bytes");
                }
            }

            using var db = server.Part<Database>().OpenSnapshot();
            wrong.AddRange(DatabaseCheck.Findings(db));
            wrong.AddRange(Files(db, Path.Combine(folder, "media")));
            return wrong;
        }
        catch (Exception exception) when (exception is DatabaseException or IOException)
        {
            Directory.Delete(folder, recursive: true);
            return [exception.ToString()];
        }
    }

    /// <summary>Where rows and files are not of each other.</summary>
    private static List<string> Files(Session db, string media)
    {
        var files = Directory.EnumerateFiles(media, "*", SearchOption.AllDirectories).ToDictionary(
            path => Path.GetRelativePath(media, path).Replace("/", "", StringComparison.Ordinal),
            path => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));
        var rows = new HashSet<string>();
        using var query = db.Prepare("SELECT DISTINCT lower(hex(hash)) FROM media WHERE hash IS NOT NULL");
        while (query.Step())
        {
            rows.Add(query.Text(0));
        }

        return
        [
            .. rows.Where(hash => files.GetValueOrDefault(hash) != hash).Select(hash => $"the file {hash} is missing, or not whole"),
            .. files.Keys.Where(name => !rows.Contains(name)).Select(name => $"the file {name} is nobody's"),
        ];
    }

    private static async Task<byte[]?> DownloadAsync(TestHomeserver server, string token, string id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/_matrix/client/v1/media/download/test/{id}");
        request.Headers.Add("Authorization", $"Bearer {token}");
        using var answer = await server.Http.SendAsync(request);
        return answer.StatusCode == HttpStatusCode.OK ? await answer.Content.ReadAsByteArrayAsync() : null;
    }

    private static bool Same(byte[]? found, byte[]? expected) => found is null ? expected is null : expected is not null && found.AsSpan().SequenceEqual(expected);
}
