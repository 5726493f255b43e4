using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Storage;

/// <param name="Path">The database file; made, readable by its owner only, if it is not there. Its folder must exist.</param>
public sealed record DatabaseOptions(string Path)
{
    /// <summary>How many snapshots can be open at once; a connection is made when it is first needed.</summary>
    public int Readers { get; init; } = 4;

    /// <summary>
    /// Commits without waiting for the disk: a power cut can lose what was acknowledged since the last checkpoint, or since the last
    /// flush. The database stays whole, and the death of the process alone loses nothing.
    /// </summary>
    public bool RelaxedDurability { get; init; }

    /// <summary>With relaxed durability: how long after a commit the log is flushed to the disk at the latest; null: with the next checkpoint.</summary>
    public TimeSpan? FlushInterval { get; init; }

    /// <summary>What the flush interval is measured by.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>
    /// The writer takes its turns on the thread pool and has no thread of its own: where the pool has one thread, no more than one thing happens at a time.
    /// </summary>
    public bool WritesInPool { get; init; }

    /// <summary>Page cache of each reader, in KiB, where there is memory enough.</summary>
    public int CacheKiBPerConnection { get; init; } = 512;

    /// <summary>Page cache of the writer, in KiB, where there is memory enough.</summary>
    public int WriterCacheKiB { get; init; } = 2048;

    /// <summary>Where the caches have their shares, of the database and of what is built on it.</summary>
    public MemoryBudget Memory { get; init; } = MemoryBudget.Unlimited();
}
