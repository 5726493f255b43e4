using System.Globalization;

namespace EdgeMatrix.Console.Measuring;

/// <summary>Memory, threads and garbage collection of this process.</summary>
public static class ProcessMetrics
{
    private const string StatusFile = "/proc/self/status";
    private const int BytesPerKib = 1024;

    public static void Register(Metrics metrics, TimeProvider time)
    {
        var started = time.GetUtcNow();
        metrics.Gauge("process_start_time_seconds", "When the server was built, since the Unix epoch.", () => started.ToUnixTimeMilliseconds() / 1000.0);
        if (File.Exists(StatusFile))
        {
            metrics.Gauge("process_resident_memory_bytes", "Memory in RAM, mapped files included.", () => Status("VmRSS:") * BytesPerKib);
            metrics.Gauge("edgematrix_anonymous_memory_bytes", "Memory in RAM that only this process has.", () => Status("RssAnon:") * BytesPerKib);
            metrics.Gauge("edgematrix_threads", "Threads of the process.", () => Status("Threads:"));
        }

        metrics.Counter("process_cpu_seconds_total", "Processor time, user and system.", () => Environment.CpuUsage.TotalTime.TotalSeconds);
        metrics.Gauge("edgematrix_gc_heap_bytes", "Managed objects, those not yet collected too.", () => GC.GetTotalMemory(forceFullCollection: false));
        metrics.Gauge("edgematrix_gc_committed_bytes", "Managed heap committed at the last collection.", () => GC.GetGCMemoryInfo().TotalCommittedBytes);
        metrics.Counter("edgematrix_gc_allocated_bytes_total", "Bytes allocated on the managed heap.", () => GC.GetTotalAllocatedBytes());
        for (var generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            var collected = generation;
            metrics.Counter(
                "edgematrix_gc_collections_total", "Garbage collections of a generation.", $"generation=\"{collected}\"", () => GC.CollectionCount(collected));
        }
    }

    /// <summary>The number behind a field of proc_pid_status(5), in its unit; 0 where the kernel has no such field.</summary>
    private static double Status(string field)
    {
        foreach (var line in File.ReadLines(StatusFile))
        {
            if (line.StartsWith(field, StringComparison.Ordinal))
            {
                return long.Parse(line.AsSpan(field.Length).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture);
            }
        }

        return 0;
    }
}
