using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Storage;

/// <summary>What SQLite holds for the connections of one database: pages, compiled statements, the schema.</summary>
internal sealed class PageCaches(DatabaseOptions options)
    : MemoryShare("sqlite", wanted: WantedKiB(options) * BytesPerKib, least: WantedKiB(options) * BytesPerKib / 8)
{
    private const long BytesPerKib = 1024;

    private readonly Lock _lock = new();
    private readonly List<DatabaseConnection> _connections = [];

    /// <summary>The page cache of a connection, for <c>PRAGMA cache_size</c>.</summary>
    public int KiBOf(bool writer) =>
        (int)((writer ? options.WriterCacheKiB : options.CacheKiBPerConnection) * Capacity / Wanted);

    public override MemoryUse Use
    {
        get
        {
            lock (_lock)
            {
                return _connections.Aggregate(new MemoryUse(0, _connections.Count), (sum, connection) => sum with
                {
                    Bytes = sum.Bytes + connection.Held.Bytes,
                    Hits = sum.Hits + connection.Held.Hits,
                    Misses = sum.Misses + connection.Held.Misses,
                });
            }
        }
    }

    /// <summary>Given up by each connection when it is next taken up, for only one thread may touch it.</summary>
    public override void Trim()
    {
        lock (_lock)
        {
            foreach (var connection in _connections)
            {
                connection.ShrinkNext = true;
            }
        }
    }

    public void Add(DatabaseConnection connection)
    {
        lock (_lock)
        {
            _connections.Add(connection);
        }
    }

    private static long WantedKiB(DatabaseOptions options) => options.WriterCacheKiB + ((long)options.Readers * options.CacheKiBPerConnection);
}
