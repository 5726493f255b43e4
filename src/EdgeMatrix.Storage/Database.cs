using EdgeMatrix.Storage.Backups;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Storage;

/// <summary>
/// The SQLite file of a server. Writes queue to one thread, which commits them in groups; reads go on beside it in
/// snapshots, of which there are a few.
/// </summary>
/// <remarks>Work inside a job or a snapshot is synchronous, as SQLite is. One process has the file at a time.</remarks>
public sealed class Database : IAsyncDisposable
{
    private readonly FileStream _lock;
    private readonly DatabaseConnection _writing;
    private readonly DatabaseWriter _writer;
    private readonly DatabaseReaders _readers;
    private readonly KnownStateKeys _stateKeys;
    private long _reads;
    private int _disposed;
    private volatile bool _shrinking;

    private Database(FileStream fileLock, DatabaseConnection writing, DatabaseOptions options)
    {
        _lock = fileLock;
        _writing = writing;
        Memory = options.Memory;
        var pages = new PageCaches(options);
        pages.Add(writing);
        Memory.Add(pages);
        Memory.Add(new BodyCoderMemory(Bodies));
        Memory.Add(Bodies.Frames.Share);
        Memory.Add(Bodies.Recent);
        _stateKeys = new KnownStateKeys(Memory);
        _readers = new DatabaseReaders(options, pages);
        _writer = new DatabaseWriter(writing, pages, Bodies, _stateKeys, options);
    }

    /// <summary>The highest stream position that is on disk; every one below it is there too, or never will be.</summary>
    public long CommittedPosition => _writer.CommittedPosition;

    /// <summary>Where the caches of the database have their shares, and those of what is built on it.</summary>
    public MemoryBudget Memory { get; }

    /// <summary>How the bodies of events are packed.</summary>
    public EventBodyCodec Bodies { get; } = new();

    /// <summary>Transactions committed.</summary>
    public long Commits => _writer.Commits;

    /// <summary>Jobs committed.</summary>
    public long Writes => _writer.Writes;

    /// <inheritdoc cref="DatabaseWriter.Fsyncs"/>
    public long Fsyncs => _writer.Fsyncs;

    /// <inheritdoc cref="DatabaseWriter.WrittenBytes"/>
    public long WrittenBytes => _writer.WrittenBytes;

    /// <summary>The writer has so much before it that what nobody waits for had better come another time.</summary>
    public bool IsBusy => _writer.IsBusy;

    /// <summary>Snapshots opened.</summary>
    public long Reads => Interlocked.Read(ref _reads);

    /// <summary>Statements started, of the writer and of all readers; approximate while they run.</summary>
    public long StatementsRun => _writing.StatementsRun + _readers.StatementsRun;

    /// <summary>What all work so far took. Only while there is none under way.</summary>
    internal DatabaseCost Cost() => _writing.Cost() + _readers.Cost();

    /// <summary>
    /// Why the last write that the disk should have taken was not stored, or why with relaxed durability the log can be moved into the file
    /// by the next start only; null while the disk takes what it is given.
    /// </summary>
    public DatabaseException? DiskFailure => _writer.DiskFailure;

    /// <summary>The last such failure, be it over or not; null if there was none.</summary>
    public DatabaseException? LastDiskFailure => _writer.LastDiskFailure;

    /// <summary>Opens the file, or makes it, and brings it to the current schema.</summary>
    /// <exception cref="DatabaseException">In use by another process, not ours, too new, or not accessible.</exception>
    public static Database Open(DatabaseOptions options) => Open(options, Migrations.All);

    internal static Database Open(DatabaseOptions options, IReadOnlyList<string> migrations)
    {
        // SQLite takes "" and ":memory:" for databases of their own, and the working folder can change.
        options = options with { Path = Path.GetFullPath(options.Path) };
        var fileLock = DatabaseLock.Acquire(options.Path);
        DatabaseConnection? writing = null;
        try
        {
            Restore.FinishOrRefuse(options.Path);
            CreateFile(options.Path);
            writing = DatabaseConnection.Open(options.Path, options.WriterCacheKiB);
            writing.KeepLogOnClose(true);

            // Both count for a file that is still empty only, and the second would write into every other.
            if (new FileInfo(options.Path).Length == 0)
            {
                writing.Execute("PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;");
            }

            DatabaseSchema.Prepare(writing, options.Path, migrations);
            writing.KeepLogOnClose(false);
            writing.Execute($"""
                PRAGMA synchronous = {(options.RelaxedDurability ? "NORMAL" : "FULL")};
                PRAGMA wal_autocheckpoint = 0;
                PRAGMA journal_size_limit = 4194304;
                """);
            return new Database(fileLock, writing, options);
        }
        catch (Exception exception)
        {
            writing?.Dispose();
            fileLock.Dispose();
            if (exception is DatabaseException { ResultCode: not 0 } failure)
            {
                throw new DatabaseException($"{options.Path} cannot be opened. {failure.Message.TrimEnd('.')}.{failure.Advice}", failure);
            }

            throw;
        }
    }

    /// <summary>
    /// Queues work for the writer. Jobs run in the order of the calls, each as if alone: if it throws, its changes alone are
    /// undone and the task faults with what it threw.
    /// </summary>
    /// <returns>Completes when the work is on disk, in commit order. Faults with <see cref="DatabaseException"/> if the commit fails.</returns>
    /// <remarks>The work runs on the thread that writes: it must not wait for another write.</remarks>
    public Task<T> WriteAsync<T>(Func<WriteTransaction, T> work) => _writer.RunAsync(new WriteJob<T>(work));

    /// <inheritdoc cref="WriteAsync{T}"/>
    public Task WriteAsync(Action<WriteTransaction> work) => WriteAsync<bool>(transaction =>
    {
        work(transaction);
        return true;
    });

    /// <summary>As <see cref="WriteAsync{T}"/>, for what files beside the database depend on, or what must not come undone: it is on the disk when this completes, with relaxed durability too.</summary>
    public Task<T> WriteToDiskAsync<T>(Func<WriteTransaction, T> work) => _writer.RunAsync(new WriteJob<T>(work) { ReachesDisk = true });

    /// <summary>As <see cref="WriteAsync{T}"/> for whoever waits for the work at once: it begins with <see cref="QueuedWrite{T}.Start"/>.</summary>
    public QueuedWrite<T> Queue<T>(Func<WriteTransaction, T> work) => new(_writer, new WriteJob<T>(work, callerHelps: true));

    /// <summary>Gives back what is held for the next use only, while nothing is under way.</summary>
    public Task ShrinkAsync()
    {
        Memory.Trim();
        Bodies.ReleaseIdle();
        _readers.ShrinkIdle();

        // The writer does it after its next group.
        return _writer.RunAsync(new WriteJob<bool>(_ => true) { IsEmpty = true });
    }

    /// <summary>After a <see cref="DiskFailure"/>: tries whether the disk takes writes again.</summary>
    /// <returns>What it is now.</returns>
    public async Task<DatabaseException?> ProbeDiskAsync()
    {
        try
        {
            await WriteAsync(StreamPositions.Probe);
        }
        catch (DatabaseException)
        {
            // Told by the property.
        }

        return DiskFailure;
    }

    /// <summary>Gives some of the pages that hold nothing back to the file system, if they are many or a former call began with it.</summary>
    /// <returns>Whether to call again at once. Where whoever reads holds the end of the file up, the next call goes on, whenever it comes.</returns>
    public async Task<bool> ShrinkSliceAsync()
    {
        if (!_shrinking)
        {
            using var snapshot = OpenSnapshot();
            _shrinking = FreePages.Read(snapshot).IsMuch;
        }

        if (_shrinking && !await WriteAsync(FreePages.GiveSomeBack))
        {
            // The file ends earlier once the log is in it.
            _shrinking = !await _writer.CheckpointAsync();
            return false;
        }

        return _shrinking;
    }

    /// <summary>
    /// The database as it is now, for reading. Waits while all readers are in use, so hold it briefly, never across an
    /// await of something slow, and do not open one while holding another.
    /// </summary>
    /// <exception cref="DatabaseException">None became free in half a minute.</exception>
    public Snapshot OpenSnapshot()
    {
        // Read first: the transaction that starts after it can only see more.
        var position = CommittedPosition;
        var connection = _readers.Take();
        Interlocked.Increment(ref _reads);
        return new Snapshot(connection, _readers, Bodies, _stateKeys, position);
    }

    /// <summary>Writes what is queued, moves the log into the file and closes it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _writer.DisposeAsync();
        _readers.Dispose();

        // A snapshot that is still open holds the checkpoint up; after this wait the next start finishes it.
        _writing.Execute("PRAGMA busy_timeout = 2000");
        _writer.CheckpointLast();
        _writing.Dispose();
        Bodies.Dispose();
        await _lock.DisposeAsync();
    }

    private static void CreateFile(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                // SQLite gives its log the permissions of the database, so that is made here, empty.
                using (new FileStream(path, DatabaseLock.OwnerOnly(FileMode.CreateNew)))
                {
                }

                DataFolder.Flush(Path.GetDirectoryName(path));
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatabaseException($"{path} cannot be made: {exception.Message}", exception);
        }
    }
}
