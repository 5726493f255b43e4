using System.Net;
using System.Runtime.Versioning;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Crash.Tests;

/// <summary>The disk that a backup or a restore goes to is full: it says so, leaves no half of a file, and does once there is space.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class BackupDiskTests : IAsyncLifetime
{
    private readonly string _folder = TestFolder.Create();
    private TestHomeserver _server = null!;
    private TestSession _alice = null!;

    private string Disk => Path.Combine(_folder, "disk");

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Disk);
        _server = await TestHomeserver.StartAsync();
        _alice = await _server.RegisterAsync("alice");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_backup_that_finds_no_space_leaves_the_last_one_and_the_server_goes_on()
    {
        using var disk = TestMount.OfSize(Disk, "8m");
        var file = Path.Combine(Disk, "backup");
        Assert.Equal(0, (await RunAsync(_server.DataFolder, "backup", file)).ExitCode);
        var before = await File.ReadAllBytesAsync(file);
        await UploadAsync(8);

        var run = await RunAsync(_server.DataFolder, "backup", file);

        AssertNoSpace(run, file);
        Assert.Equal([file], Directory.GetFiles(Disk));
        Assert.Equal(before, await File.ReadAllBytesAsync(file));
        await _alice.CreateRoomAsync();
        disk.Resize("32m");
        Assert.Equal(0, (await RunAsync(_server.DataFolder, "backup", file)).ExitCode);
    }

    [Theory]
    [InlineData(256)]
    [InlineData(600)]
    [InlineData(1_000)]
    [InlineData(1_400)]
    [InlineData(3_000)]
    public async Task A_restore_that_finds_no_space_leaves_nothing(int kilobytes)
    {
        await UploadAsync(4);
        var file = Path.Combine(_folder, "backup");
        Assert.Equal(0, (await RunAsync(_server.DataFolder, "backup", file)).ExitCode);
        using var disk = TestMount.OfSize(Disk, $"{kilobytes}k");
        var data = Path.Combine(Disk, "data");

        AssertNoSpace(await RunAsync(data, "restore", file), data);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Disk));

        disk.Resize("32m");
        Assert.Equal(0, (await RunAsync(data, "restore", file)).ExitCode);
    }

    private static void AssertNoSpace(ExecutableRun run, string where)
    {
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("edgematrix: ", run.Error, StringComparison.Ordinal);
        Assert.Equal(1, run.Error.Count(c => c == '\n'));
        Assert.Contains(where, run.Error, StringComparison.Ordinal);
        Assert.Matches("No space left on device|disk is full", run.Error);
    }

    private static Task<ExecutableRun> RunAsync(string data, string command, string file) => ExecutableRun.RunAsync([], command, file, "--data", data);

    private async Task UploadAsync(int megabytes)
    {
        var random = new Random(1);
        for (var n = 0; n < megabytes; n++)
        {
            var bytes = new byte[1 << 20];
            random.NextBytes(bytes);
            using var request = new HttpRequestMessage(HttpMethod.Post, "/_matrix/media/v3/upload") { Content = new ByteArrayContent(bytes) };
            request.Headers.Add("Authorization", $"Bearer {_alice.Token}");
            using var answer = await _server.Http.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }
}
