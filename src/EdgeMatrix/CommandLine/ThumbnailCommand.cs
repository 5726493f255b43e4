using EdgeMatrix.Media.Thumbnails;

namespace EdgeMatrix.CommandLine;

/// <summary>
/// <c>thumbnail-worker SIZE FILE</c>: writes the thumbnail of a picture to standard output. The server starts it for itself, a process
/// for each; what a hostile file does to a decoder, it does to that process.
/// </summary>
internal static class ThumbnailCommand
{
    public const string Name = "thumbnail-worker";

    private const int MaxSeconds = 10;
    private const long MaxMemoryBytes = 384L * 1024 * 1024;

    /// <summary>What starts this program again: itself, though its file may have been replaced since.</summary>
    public static IReadOnlyList<string> Program() => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
        ? [Environment.ProcessPath!, "exec", Path.Combine(AppContext.BaseDirectory, "edgematrix.dll")]
        : [OperatingSystem.IsLinux() ? "/proc/self/exe" : Environment.ProcessPath!];

    /// <returns>A <see cref="ThumbnailVerdict"/>.</returns>
    public static int Run(string size, string file)
    {
        if (!ThumbnailSize.TryParse(size, out var wanted))
        {
            return ExitCode.WrongUsage;
        }

        ProcessLimits.Apply(MaxSeconds, MaxMemoryBytes);
        using var thumbnail = new MemoryStream();
        var verdict = ThumbnailMaker.Make(file, wanted, thumbnail);
        if (verdict == ThumbnailVerdict.Made)
        {
            using var output = System.Console.OpenStandardOutput();
            thumbnail.WriteTo(output);
        }

        return (int)verdict;
    }
}
