using EdgeMatrix.Console.Measuring;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix;

/// <summary>What <c>/metrics</c> says of the memory budget: a sample for each share.</summary>
internal static class MemoryMetrics
{
    public static void Register(Metrics metrics, MemoryBudget memory)
    {
        metrics.Gauge("edgematrix_memory_limit_bytes", "What the server may take of the memory.", () => memory.Limit);
        metrics.Gauge("edgematrix_memory_kept_bytes", "What caches and queues hold, all together.", () => memory.Shares.Sum(share => share.Use.Bytes));
        metrics.Gauge("edgematrix_memory_squeeze", "How often the shares are halved now, for want of memory.", () => memory.Squeeze);
        foreach (var share in memory.Shares)
        {
            var labels = $"share=\"{share.Name}\"";
            metrics.Gauge("edgematrix_memory_share_bytes", "Bytes that a cache or queue holds.", labels, () => share.Use.Bytes);
            metrics.Gauge("edgematrix_memory_share_capacity_bytes", "Bytes that it may hold now.", labels, () => share.Capacity);
            metrics.Gauge("edgematrix_memory_share_entries", "Things that it holds.", labels, () => share.Use.Entries);
            metrics.Counter("edgematrix_memory_share_hits_total", "Asked for and found.", labels, () => share.Use.Hits);
            metrics.Counter("edgematrix_memory_share_misses_total", "Asked for and not found; of a queue, turned away.", labels, () => share.Use.Misses);
            metrics.Counter("edgematrix_memory_share_evictions_total", "Given up to make room.", labels, () => share.Use.Evictions);
        }
    }
}
