using SQLitePCL;

namespace EdgeMatrix.Storage;

/// <summary>SQLite as it is set up for all of the process, before the first connection.</summary>
internal static class SqliteLibrary
{
    /// <summary>Whether it took its settings; not if something else in the process used it before.</summary>
    public static bool IsConfigured { get; } = Configure();

    public static void Load() => _ = IsConfigured;

    private static bool Configure()
    {
        Batteries_V2.Init();

        // Nobody asks how much all connections hold together, and counting it takes a lock at every allocation: threads that read side by
        // side spent a sixth of their time on it. https://sqlite.org/malloc.html#memory_allocation_statistics
        return raw.sqlite3_config(raw.SQLITE_CONFIG_MEMSTATUS, 0) == raw.SQLITE_OK;
    }
}
