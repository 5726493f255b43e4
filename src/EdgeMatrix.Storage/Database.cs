using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace EdgeMatrix.Storage;

/// <param name="Path">The database file; made, readable by its owner only, if it is not there.</param>
public sealed record DatabaseOptions(string Path)
{
    /// <summary>How many snapshots can be open at once.</summary>
    public int Readers { get; init; } = 4;

    /// <summary>The page cache of each reading connection; the writer's is four times as large.</summary>
    public int CacheKiBPerConnection { get; init; } = 512;

    /// <summary>Commits without an fsync: a power cut may lose the last moments, never consistency; a crash of the server loses nothing.</summary>
    public bool RelaxedDurability { get; init; }
}

/// <summary>Owns the SQLite file: opens it, migrates it, and hands out the one writer and pooled readers.</summary>
/// <remarks>
/// Writes queue for one thread, which puts all that wait into one transaction: one fsync for the group. A write's task ends
/// when the group is on the disk. Readers never wait for the writer (WAL).
/// </remarks>
public sealed class Database : IAsyncDisposable
{
    private const int MaxQueued = 4_096;
    private const int MaxGroup = 256;

    private readonly Channel<WriteJob> _jobs = Channel.CreateBounded<WriteJob>(
        new BoundedChannelOptions(MaxQueued) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly FileStream _lock;
    private readonly WriteTransaction _writer;
    private readonly ReaderPool _readers;
    private readonly Thread _thread;
    private long _committedPosition;
    private long _commits;
    private long _writes;

    private Database(FileStream @lock, WriteTransaction writer, ReaderPool readers, EventBodyCodec bodies)
    {
        _lock = @lock;
        _writer = writer;
        _readers = readers;
        Bodies = bodies;
        _committedPosition = writer.Position;
        _thread = new Thread(WriteAll) { Name = "database writer", IsBackground = true };
        _thread.Start();
    }

    public EventBodyCodec Bodies { get; }

    /// <summary>The highest stream position that is on the disk.</summary>
    public long CommittedPosition => Interlocked.Read(ref _committedPosition);

    /// <summary>Commits made: one fsync each, unless durability is relaxed.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>Writes committed.</summary>
    public long Writes => Interlocked.Read(ref _writes);

    /// <summary>Snapshots opened.</summary>
    public long Reads => _readers.Taken;

    /// <summary>Statements run by readers that are idle now.</summary>
    public long StatementsRun => _readers.StatementsRun;

    /// <exception cref="DatabaseException">The file is in use, is not a database, or is of a newer version.</exception>
    public static Database Open(DatabaseOptions options)
    {
        var directory = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(options.Path))!;
        Directory.CreateDirectory(directory);
        var fileLock = Lock(options.Path);
        try
        {
            if (!File.Exists(options.Path))
            {
                CreatePrivate(options.Path);
            }

            var bodies = new EventBodyCodec();
            var connection = Connect(options, options.CacheKiBPerConnection * 4);
            Migrate(connection, options.Path);
            return new Database(
                fileLock,
                new WriteTransaction(connection, bodies),
                new ReaderPool(() => Connect(options, options.CacheKiBPerConnection), bodies, options.Readers),
                bodies);
        }
        catch (SqliteException exception)
        {
            fileLock.Dispose();
            throw new DatabaseException($"{options.Path} cannot be opened: {exception.Message}", exception);
        }
        catch
        {
            fileLock.Dispose();
            throw;
        }
    }

    /// <summary>Runs <paramref name="work"/> on the writer thread; ends with its result once it is on the disk.</summary>
    /// <remarks>If the work throws, it alone is rolled back and its task fails; if the commit fails, so do all of the group.</remarks>
    public async Task<T> WriteAsync<T>(Func<WriteTransaction, T> work)
    {
        var job = new WriteJob<T>(work);
        await _jobs.Writer.WriteAsync(job);
        return await job.Task;
    }

    public Task WriteAsync(Action<WriteTransaction> work) => WriteAsync(db =>
    {
        work(db);
        return true;
    });

    /// <summary>A consistent view of what is committed now. Hold it briefly: there are few.</summary>
    public Snapshot OpenSnapshot() => _readers.Take();

    /// <summary>Writes what is queued, and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_jobs.Writer.TryComplete())
        {
            return;
        }

        await Task.Run(_thread.Join);
        _readers.Dispose();
        _writer.Execute("PRAGMA optimize");
        _writer.Close();
        await _lock.DisposeAsync();
    }

    private void WriteAll()
    {
        var group = new List<WriteJob>(MaxGroup);
        while (_jobs.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (group.Count < MaxGroup && _jobs.Reader.TryRead(out var job))
            {
                group.Add(job);
            }

            WriteGroup(group);
            group.Clear();
        }
    }

    private void WriteGroup(List<WriteJob> group)
    {
        try
        {
            _writer.Execute("BEGIN IMMEDIATE");
            foreach (var job in group)
            {
                Run(job);
            }

            _writer.Execute("COMMIT");
        }
        catch (Exception exception)
        {
            // Whatever happened, nothing of the group is on the disk, and everybody in it is told so.
            RollBack();
            group.ForEach(job => job.Fail(new DatabaseException("The write did not reach the disk: " + exception.Message, exception)));
            return;
        }

        Interlocked.Exchange(ref _committedPosition, _writer.Position);
        Interlocked.Increment(ref _commits);
        Interlocked.Add(ref _writes, group.Count);
        foreach (var action in _writer.TakeAfterCommit())
        {
            action();
        }

        group.ForEach(job => job.Complete());
    }

    private void Run(WriteJob job)
    {
        var mark = _writer.Mark();
        _writer.Execute("SAVEPOINT job");
        try
        {
            job.Run(_writer);
        }
        catch (Exception exception) when (raw.sqlite3_get_autocommit(_writer.Handle) == 0)
        {
            // Only this write is undone. (Where SQLite itself ended the transaction, the whole group fails instead.)
            _writer.Execute("ROLLBACK TO job");
            _writer.RollBackTo(mark);
            _writer.ReloadReserved();
            job.Failure = exception;
        }

        _writer.Execute("RELEASE job");
    }

    private void RollBack()
    {
        _writer.RollBackTo(0);
        if (raw.sqlite3_get_autocommit(_writer.Handle) == 0)
        {
            _writer.Execute("ROLLBACK");
        }

        _writer.ReloadReserved();
    }

    // Another process on the same file would break the promise that there is one writer with one sequence.
    private static FileStream Lock(string path)
    {
        try
        {
            return new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new DatabaseException($"{path} is in use by another edgematrix; stop that one first", exception);
        }
    }

    private static void CreatePrivate(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        new FileStream(path, options).Dispose();
    }

    private static SqliteConnection Connect(DatabaseOptions options, int cacheKiB)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = options.Path, Pooling = false, Mode = SqliteOpenMode.ReadWrite }.ToString());
        connection.Open();
        Execute(connection, $"""
            PRAGMA busy_timeout = 10000;
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = {(options.RelaxedDurability ? "NORMAL" : "FULL")};
            PRAGMA cache_size = -{cacheKiB};
            PRAGMA temp_store = MEMORY;
            PRAGMA journal_size_limit = 4194304;
            """);
        return connection;
    }

    private static void Migrate(SqliteConnection connection, string path)
    {
        var current = (long)Scalar(connection, "PRAGMA user_version")!;
        if (current > Migrations.All.Length)
        {
            throw new DatabaseException(
                $"{path} was written by a newer edgematrix (schema {current}; this one knows {Migrations.All.Length}): use that version or a backup");
        }

        for (var version = current + 1; version <= Migrations.All.Length; version++)
        {
            using var transaction = connection.BeginTransaction();
            Execute(connection, Migrations.All[version - 1], transaction);
            Execute(connection, $"PRAGMA user_version = {version}", transaction);
            transaction.Commit();
        }
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    private static void Execute(SqliteConnection connection, string sql, SqliteTransaction? transaction = null)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = transaction;
        command.ExecuteNonQuery();
    }
}
