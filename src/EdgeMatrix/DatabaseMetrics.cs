using EdgeMatrix.Console.Measuring;
using EdgeMatrix.Storage;

namespace EdgeMatrix;

/// <summary>What <c>/metrics</c> says of the database.</summary>
internal static class DatabaseMetrics
{
    public static void Register(Metrics metrics, Database database)
    {
        metrics.Counter("edgematrix_database_commits_total", "Transactions committed.", () => database.Commits);
        metrics.Counter("edgematrix_database_writes_total", "Writes committed; a commit holds one or more.", () => database.Writes);
        metrics.Counter(
            "edgematrix_database_fsyncs_total",
            "Waits for the disk: one a commit, or with relaxed durability one a flush, and two a checkpoint.",
            () => database.Fsyncs);
        metrics.Counter(
            "edgematrix_database_written_bytes_total", "Bytes of pages written, to the log and from there to the file.", () => database.WrittenBytes);
        metrics.Counter("edgematrix_database_reads_total", "Snapshots opened.", () => database.Reads);
        metrics.Gauge("edgematrix_stream_position", "The stream position of the newest change.", () => database.CommittedPosition);
    }
}
