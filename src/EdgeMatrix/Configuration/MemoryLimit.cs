using System.Globalization;

namespace EdgeMatrix.Configuration;

/// <summary>How much memory the server may take: what is configured, within what the system grants its control group.</summary>
/// <param name="root">The root of the file system, where the kernel tells of itself; a test has its own.</param>
internal sealed class MemoryLimit(string root)
{
    private const long WithoutAnyWord = 1L << 30;

    /// <param name="configured">Null: all that the group may have, or without such a limit a quarter of the machine's.</param>
    public long Of(long? configured)
    {
        var machine = MachineBytes() ?? WithoutAnyWord;
        var group = GroupBytes() is { } bytes && bytes < machine ? bytes : (long?)null;
        return Math.Min(configured ?? long.MaxValue, group ?? (configured is null ? machine / 4 : long.MaxValue));
    }

    private long? MachineBytes()
    {
        foreach (var line in Lines("proc/meminfo"))
        {
            if (line.StartsWith("MemTotal:", StringComparison.Ordinal)
                && long.TryParse(line["MemTotal:".Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture, out var kib))
            {
                return kib * 1024;
            }
        }

        return null;
    }

    /// <summary>The least that the group of this process, or one around it, may have; null where nothing is said.</summary>
    /// <remarks>
    /// https://docs.kernel.org/admin-guide/cgroup-v2.html (<c>memory.max</c>) and
    /// https://docs.kernel.org/admin-guide/cgroup-v1/memory.html (<c>memory.limit_in_bytes</c>)
    /// </remarks>
    private long? GroupBytes()
    {
        long? least = null;
        foreach (var line in Lines("proc/self/cgroup"))
        {
            // hierarchy-ID:controller-list:cgroup-path
            var fields = line.Split(':', 3);
            var (mount, file) = fields switch
            {
                ["0", "", _] => ("sys/fs/cgroup", "memory.max"),
                [_, var controllers, _] when controllers.Split(',').Contains("memory") => ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                _ => (null, null),
            };
            for (var group = fields[^1].Trim('/'); mount is not null; group = Path.GetDirectoryName(group)!)
            {
                // A container sees its own group as the root, whatever its path.
                var limit = Lines(Path.Combine(mount, group, file!)).FirstOrDefault();
                if (long.TryParse(limit, CultureInfo.InvariantCulture, out var bytes))
                {
                    least = Math.Min(least ?? long.MaxValue, bytes);
                }

                if (group.Length == 0)
                {
                    break;
                }
            }
        }

        return least;
    }

    private string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(root, path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
