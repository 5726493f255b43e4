using System.Globalization;
using System.Runtime.InteropServices;

namespace EdgeMatrix.NativeLibraries;

/// <summary>The pages of the executable that the kernel has mapped into this process: code and constants, unchanged since they were read.</summary>
/// <remarks>
/// Two thirds of what is mapped at the start is for the start only. A page let go stays in the kernel's page cache while there is room,
/// from where it is mapped again when it is needed; but where memory is short the kernel takes it before one that a process holds.
/// </remarks>
internal static partial class ExecutablePages
{
    // MADV_DONTNEED of madvise(2)
    private const int DoNotNeed = 4;

    /// <summary>Lets go of all of them. What runs on is mapped again at once, 16 pages at a time.</summary>
    public static void LetGo()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        foreach (var (start, length) in Unchanged(File.ReadLines("/proc/self/smaps"), Environment.ProcessPath))
        {
            _ = Advise((nint)start, (nuint)length, DoNotNeed);
        }
    }

    /// <summary>The mappings of <paramref name="file"/> that can be read from it again: not writable, and no page of them was changed by the loader.</summary>
    /// <param name="smaps">Lines of <c>/proc/self/smaps</c>: for each mapping a line as in <c>/proc/self/maps</c>, then its figures, in kB.</param>
    /// <param name="file">The absolute path.</param>
    internal static IEnumerable<(long Start, long Length)> Unchanged(IEnumerable<string> smaps, string? file)
    {
        (long Start, long Length)? mapping = null;
        foreach (var line in smaps)
        {
            if (Mapping(line) is var (start, length, access, path))
            {
                mapping = path == file && access is ("r--p" or "r-xp") ? (start, length) : null;
            }
            else if (mapping is { } found && line.StartsWith("Anonymous:", StringComparison.Ordinal))
            {
                if (line.AsSpan("Anonymous:".Length).Trim().StartsWith("0 "))
                {
                    yield return found;
                }

                mapping = null;
            }
        }
    }

    // "start-end access offset device inode path"
    private static (long Start, long Length, string Access, string Path)? Mapping(string line)
    {
        var parts = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var ends = parts[0].Split('-');
        return parts.Length == 6 && ends.Length == 2
            && long.TryParse(ends[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var start)
            && long.TryParse(ends[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var end)
            ? (start, end - start, parts[1], parts[5])
            : null;
    }

    // Advice that fails costs nothing.
    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(nint address, nuint length, int advice);
}
