using System.Runtime.InteropServices;

namespace EdgeMatrix.Media.Thumbnails;

/// <summary>Bounds what this process can do from now on, on Linux: for one that reads what strangers sent.</summary>
public static partial class ProcessLimits
{
    // RLIMIT_* of getrlimit(2), PR_* of prctl(2).
    private const int CpuSeconds = 0;
    private const int FileBytes = 1;
    private const int DataBytes = 2;
    private const int CoreBytes = 4;
    private const int SetNoNewPrivileges = 38;

    /// <summary>It writes no file, gains no privileges, and has so much memory and time of the processor.</summary>
    public static void Apply(int seconds, long memoryBytes)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            // When memory is short, this process goes first.
            File.WriteAllText("/proc/self/oom_score_adj", "1000");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }

        _ = Control(SetNoNewPrivileges, 1);
        Limit(CpuSeconds, seconds);
        Limit(FileBytes, 0);
        Limit(DataBytes, memoryBytes);
        Limit(CoreBytes, 0);
    }

    private static void Limit(int resource, long value)
    {
        var limit = new ResourceLimit((nuint)value, (nuint)value);
        _ = SetLimit(resource, in limit);
    }

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetLimit(int resource, in ResourceLimit limit);

    [LibraryImport("libc", EntryPoint = "prctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(int option, nuint value);

    private readonly record struct ResourceLimit(nuint Soft, nuint Hard);
}
