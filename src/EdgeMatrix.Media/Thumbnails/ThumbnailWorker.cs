using System.ComponentModel;
using System.Diagnostics;

namespace EdgeMatrix.Media.Thumbnails;

/// <summary>Has thumbnails made by this program, started anew for each: bounded in time, in memory, and in what it may answer.</summary>
/// <param name="program">The words that start it.</param>
public sealed class ThumbnailWorker(IReadOnlyList<string> program, TimeProvider time)
{
    private const int MaxAnswerBytes = 8 * 1024 * 1024;

    // For the file, and the pixels of a WebP. Hex, as the runtime reads it.
    private const string HeapBytes = "12000000";

    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(20);

    /// <summary>Makes a thumbnail of the picture in a file.</summary>
    /// <param name="output">Takes it; holds anything where the verdict is another than <see cref="ThumbnailVerdict.Made"/>.</param>
    public async Task<ThumbnailVerdict> RunAsync(string picture, ThumbnailSize size, Stream output)
    {
        using var process = Start(picture, size);
        if (process is null)
        {
            return ThumbnailVerdict.Failed;
        }

        using var limit = new CancellationTokenSource(MaxTime, time);
        try
        {
            if (!await CopyAsync(process.StandardOutput.BaseStream, output, limit.Token))
            {
                return ThumbnailVerdict.Failed;
            }

            await process.WaitForExitAsync(limit.Token);
            var verdict = (ThumbnailVerdict)process.ExitCode;
            return verdict is ThumbnailVerdict.Made or ThumbnailVerdict.Original or ThumbnailVerdict.NoPicture or ThumbnailVerdict.TooLarge
                ? verdict
                : ThumbnailVerdict.Failed;
        }
        catch (OperationCanceledException)
        {
            return ThumbnailVerdict.Failed;
        }
        finally
        {
            process.Kill();
        }
    }

    private Process? Start(string picture, ThumbnailSize size)
    {
        var start = new ProcessStartInfo(program[0], [.. program.Skip(1), "thumbnail-worker", size.Name, picture])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // The environment may hold secrets of the server's configuration.
        foreach (var name in start.Environment.Keys.Where(name => name is not ("PATH" or "DOTNET_ROOT" or "HOME")).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["DOTNET_GCHeapHardLimit"] = HeapBytes;
        try
        {
            var process = Process.Start(start)!;

            // It gets nothing of what this process reads or writes, and nobody reads how it complains.
            process.StandardInput.Close();
            process.StandardError.Close();
            return process;
        }
        catch (Win32Exception)
        {
            // No memory, no process left: the next one may be luckier.
            return null;
        }
    }

    private static async Task<bool> CopyAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        var piece = new byte[16 * 1024];
        var bytes = 0;
        while (await from.ReadAsync(piece, cancellationToken) is var read and > 0)
        {
            if ((bytes += read) > MaxAnswerBytes)
            {
                return false;
            }

            await to.WriteAsync(piece.AsMemory(0, read), cancellationToken);
        }

        return true;
    }
}
