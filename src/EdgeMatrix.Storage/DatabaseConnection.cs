using SQLitePCL;

namespace EdgeMatrix.Storage;

/// <summary>One SQLite connection and the statements compiled on it. Used by one thread at a time.</summary>
internal sealed class DatabaseConnection : IDisposable
{
    // SQLITE_DBSTATUS_CACHE_USED and so on: https://sqlite.org/c3ref/c_dbstatus_options.html
    private const int CacheUsed = 1;
    private const int SchemaUsed = 2;
    private const int StatementsUsed = 3;
    private const int CacheHits = 7;
    private const int CacheMisses = 8;
    private const int CacheWrites = 9;

    // SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE: https://sqlite.org/c3ref/c_dbconfig_defensive.html
    private const int NoCheckpointOnClose = 1006;

    /// <summary>Compiled statements kept; each takes a few KiB.</summary>
    private const int MaxCachedStatements = 128;

    /// <summary>So many uses pass between two looks at what it holds, which takes as long as a small query.</summary>
    private const int UsesBetweenLooks = 256;

    private readonly Dictionary<string, Statement> _cache = new(StringComparer.Ordinal);
    private readonly List<Statement> _inUse = [];
    private long _uses;
    private int _cacheKiB;
    private int _fits;
    private volatile bool _shrinkNext;
    private volatile HeldMemory _held = new(0, 0, 0);
    private long _statementsRun;
    private long _rows;
    private long _closedSteps;

    private DatabaseConnection(sqlite3 handle) => Handle = handle;

    public sqlite3 Handle { get; }

    /// <summary>How many times a statement was started.</summary>
    public long StatementsRun => Volatile.Read(ref _statementsRun);

    /// <exception cref="DatabaseException">The file cannot be opened.</exception>
    public static DatabaseConnection Open(string path, int cacheKiB) => Open(path, cacheKiB, raw.SQLITE_OPEN_READWRITE);

    /// <summary>A connection that cannot write to the file, not even to move the log into it when it closes.</summary>
    /// <exception cref="DatabaseException">The file cannot be opened.</exception>
    public static DatabaseConnection OpenReadOnly(string path, int cacheKiB) => Open(path, cacheKiB, raw.SQLITE_OPEN_READONLY);

    /// <summary>Rows inserted, updated and deleted since it was opened.</summary>
    public int TotalChanges => raw.sqlite3_total_changes(Handle);

    /// <summary>The file was opened for reading only, as this user may do no more.</summary>
    public bool IsReadOnly => raw.sqlite3_db_readonly(Handle, "main") == 1;

    /// <summary>Closing shall not write the log into the file: for as long as it is not known to be a file of ours.</summary>
    public void KeepLogOnClose(bool keep) => raw.sqlite3_db_config(Handle, NoCheckpointOnClose, keep ? 1 : 0, out _);

    /// <summary>Runs one or more statements that return nothing of interest.</summary>
    public void Execute(string sql)
    {
        var code = raw.sqlite3_exec(Handle, sql);
        if (code != raw.SQLITE_OK)
        {
            throw Failure(code);
        }
    }

    /// <summary>The first column of the first row; null if there is no row or it is NULL.</summary>
    public string? Scalar(string sql)
    {
        using var statement = Prepare(sql);
        return statement.Step() ? statement.TextOrNull(0) : null;
    }

    // One thread at a time counts; others may read.
    public void CountRun() => Volatile.Write(ref _statementsRun, _statementsRun + 1);

    public void CountRow() => _rows++;

    /// <summary>What reading and writing took on this connection so far. Only while nobody uses it.</summary>
    public DatabaseCost Cost()
    {
        return new DatabaseCost(
            _statementsRun, _rows, _closedSteps + _cache.Values.Sum(statement => statement.Steps), Status(CacheHits) + Status(CacheMisses));
    }

    /// <summary>Pages written to the log since this was last asked.</summary>
    public int TakePagesWritten()
    {
        raw.sqlite3_db_status(Handle, CacheWrites, out var pages, out _, 1);
        return pages;
    }

    /// <summary>What it held when it was last looked at.</summary>
    public HeldMemory Held => _held;

    /// <summary>It shall give up what it can do without when it is next used.</summary>
    public bool ShrinkNext
    {
        set => _shrinkNext = value;
    }

    /// <summary>Keeps its page cache within bounds; call it between two uses.</summary>
    public void Fit(int cacheKiB)
    {
        if (cacheKiB != _cacheKiB)
        {
            _cacheKiB = cacheKiB;
            Execute($"PRAGMA cache_size = -{cacheKiB}");
        }

        var shrinks = _shrinkNext;
        if (shrinks)
        {
            _shrinkNext = false;
            Execute("PRAGMA shrink_memory");
        }

        if (_fits++ % UsesBetweenLooks == 0 || shrinks)
        {
            _held = new HeldMemory(Status(CacheUsed) + (long)Status(SchemaUsed) + Status(StatementsUsed), Status(CacheHits), Status(CacheMisses));
        }
    }

    public bool InTransaction => raw.sqlite3_get_autocommit(Handle) == 0;

    public Statement Prepare(string sql)
    {
        if (!_cache.TryGetValue(sql, out var statement))
        {
            statement = Compile(sql);
            MakeRoom();
            _cache.Add(sql, statement);
        }
        else if (statement.IsInUse)
        {
            statement = Compile(sql);
        }

        statement.Take(++_uses);
        _inUse.Add(statement);
        return statement;
    }

    /// <summary>Takes back a statement that its user disposed of.</summary>
    public void Return(Statement statement)
    {
        _inUse.RemoveAt(_inUse.LastIndexOf(statement));
        if (!_cache.TryGetValue(statement.Sql, out var cached) || cached != statement)
        {
            Close(statement);
        }
    }

    /// <summary>Disposes of the statements that their users forgot, so that none holds the transaction open.</summary>
    public void ReturnAll()
    {
        while (_inUse is [.., var statement])
        {
            statement.Dispose();
        }
    }

    public DatabaseException Failure(int code) =>
        new($"SQLite: {raw.sqlite3_errmsg(Handle).utf8_to_string()} (code {code})", code);

    public void Dispose()
    {
        ReturnAll();
        foreach (var statement in _cache.Values)
        {
            statement.Close();
        }

        _cache.Clear();
        Handle.Dispose();
    }

    private int Status(int what)
    {
        raw.sqlite3_db_status(Handle, what, out var current, out _, 0);
        return current;
    }

    private static DatabaseConnection Open(string path, int cacheKiB, int mode)
    {
        // No two threads use a connection at once, so SQLite need not lock it at every call.
        SqliteLibrary.Load();
        var code = raw.sqlite3_open_v2(path, out var handle, mode | raw.SQLITE_OPEN_NOMUTEX, null);
        if (code != raw.SQLITE_OK)
        {
            code = raw.sqlite3_extended_errcode(handle);
            handle.Dispose();
            throw new DatabaseException($"SQLite: {raw.sqlite3_errstr(code).utf8_to_string()} (code {code})", code);
        }

        var opened = new DatabaseConnection(handle) { _cacheKiB = cacheKiB };
        raw.sqlite3_extended_result_codes(opened.Handle, 1);
        opened.Execute($"""
            PRAGMA busy_timeout = 10000;
            PRAGMA cache_size = -{cacheKiB};
            PRAGMA temp_store = MEMORY;
            PRAGMA mmap_size = 0;
            PRAGMA foreign_keys = OFF;
            """);
        return opened;
    }

    private Statement Compile(string sql)
    {
        var code = raw.sqlite3_prepare_v2(Handle, sql, out var statement);
        return code == raw.SQLITE_OK ? new Statement(this, statement, sql) : throw Failure(code);
    }

    private void MakeRoom()
    {
        if (_cache.Count < MaxCachedStatements)
        {
            return;
        }

        Statement? oldest = null;
        foreach (var statement in _cache.Values)
        {
            if (!statement.IsInUse && (oldest is null || statement.LastUse < oldest.LastUse))
            {
                oldest = statement;
            }
        }

        if (oldest is not null)
        {
            _cache.Remove(oldest.Sql);
            Close(oldest);
        }
    }

    private void Close(Statement statement)
    {
        _closedSteps += statement.Steps;
        statement.Close();
    }

    /// <param name="Bytes">Of pages, statements and schema.</param>
    /// <param name="Hits">Pages asked for that were in the cache.</param>
    public sealed record HeldMemory(long Bytes, long Hits, long Misses);
}
