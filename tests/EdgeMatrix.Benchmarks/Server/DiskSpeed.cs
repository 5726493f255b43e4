using System.Diagnostics;

namespace EdgeMatrix.Benchmarks.Server;

/// <summary>What this machine's disk takes for a durable write at best, so that the figures of a server can be told from its own.</summary>
internal static class DiskSpeed
{
    private const int PageBytes = 4096;
    private const int Writes = 500;

    /// <summary>Appends a page and waits for the disk, again and again.</summary>
    public static async Task<Latencies> MeasureFsyncAsync(string folder)
    {
        var page = new byte[PageBytes];
        await using var file = new FileStream(
            Path.Combine(folder, "fsync"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
        return await Latencies.MeasureAsync(Writes, null, () =>
        {
            file.Write(page);
            file.Flush(flushToDisk: true);
            return Task.CompletedTask;
        });
    }
}
