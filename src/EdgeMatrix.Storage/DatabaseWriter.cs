using System.Threading.Channels;

namespace EdgeMatrix.Storage;

/// <summary>
/// Writes what is queued, a group at a time: in one transaction with a savepoint for each job, whose task completes when the group is on
/// disk. One thread at a time has the turn: the writer's own, or that of a caller who would otherwise wait for it
/// (<see cref="WriteNow"/>), so that where there is no crowd nobody is woken for a write.
/// </summary>
internal sealed class DatabaseWriter : IAsyncDisposable
{
    private const int MaxQueuedJobs = 1024;
    private const int MaxGroupJobs = 256;

    /// <summary>A log as long as this is moved into the file: 4 MiB.</summary>
    private const int CheckpointPages = 1000;

    private const int PageBytes = 4096;

    // https://sqlite.org/fileformat2.html#the_write_ahead_log
    private const int FrameHeaderBytes = 24;

    private readonly DatabaseConnection _connection;
    private readonly PageCaches _pages;
    private readonly EventBodyCodec _bodies;
    private readonly KnownStateKeys _stateKeys;
    private readonly bool _waitsForDisk;
    private readonly LogFlush? _flush;
    private readonly StreamPositions _positions;
    private readonly Channel<WriteJob> _queue;
    private readonly List<WriteJob> _group = new(MaxGroupJobs);
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action _wakeUp;
    private int _woken;
    private int _turn;
    private volatile bool _stopping;
    private TaskCompletionSource<bool>? _checkpointAsked;
    private volatile DatabaseException? _diskFailure;
    private volatile DatabaseException? _lastDiskFailure;
    private volatile DatabaseException? _logFailure;
    private long _committedPosition;
    private long _commits;
    private long _writes;
    private long _fsyncs;
    private long _writtenBytes;
    private int _logPages;
    private bool _flushing;

    /// <summary>Of the group that is being written: what did not fail is stored.</summary>
    private bool _isCommitted;

    public DatabaseWriter(
        DatabaseConnection connection, PageCaches pages, EventBodyCodec bodies, KnownStateKeys stateKeys, DatabaseOptions options)
    {
        _waitsForDisk = !options.RelaxedDurability;
        _bodies = bodies;
        _stateKeys = stateKeys;
        _connection = connection;
        _pages = pages;
        _positions = new StreamPositions(connection);
        _committedPosition = _positions.Reserved;

        _queue = Channel.CreateBounded<WriteJob>(new BoundedChannelOptions(MaxQueuedJobs) { SingleReader = true });
        if (options is { RelaxedDurability: true, FlushInterval: { } interval })
        {
            // Where the queue is full, the writer is awake.
            _flush = new LogFlush(interval, options.Time, () =>
            {
                _queue.Writer.TryWrite(new WriteJob<bool>(_ => true));
                Wake();
            });
        }

        _wakeUp = options.WritesInPool ? () => ThreadPool.UnsafeQueueUserWorkItem(static writer => writer.WriteQueued(), this, preferLocal: false) : StartThread();
    }

    /// <summary>The queue is half full, or more.</summary>
    public bool IsBusy => _queue.Reader.Count >= MaxQueuedJobs / 2;

    public long CommittedPosition => Interlocked.Read(ref _committedPosition);

    public DatabaseException? DiskFailure => _logFailure ?? _diskFailure;

    public DatabaseException? LastDiskFailure => _lastDiskFailure;

    public long Commits => Interlocked.Read(ref _commits);

    public long Writes => Interlocked.Read(ref _writes);

    /// <summary>
    /// Waits for the disk: one a commit, or with relaxed durability one a flush, and two a checkpoint, of the log and of the file.
    /// </summary>
    public long Fsyncs => Interlocked.Read(ref _fsyncs);

    /// <summary>Bytes of pages written, to the log and from there to the file.</summary>
    public long WrittenBytes => Interlocked.Read(ref _writtenBytes);

    /// <summary>Queues a job; jobs run in the order of the calls, also those that wait for room in the queue.</summary>
    public Task<T> RunAsync<T>(WriteJob<T> job)
    {
        if (_stopping)
        {
            return Task.FromException<T>(Closed());
        }

        if (!_queue.Writer.TryWrite(job))
        {
            return WaitAndRunAsync(job);
        }

        if (!job.CallerHelps)
        {
            Wake();
        }

        return job.Task;
    }

    /// <summary>
    /// Writes what is queued on the thread of the caller, who waits for one of the jobs, unless another thread is at it: that, or the
    /// writer's, then goes on with the queue.
    /// </summary>
    public void WriteNow(WriteJob own)
    {
        if (own.IsTaken || !TryTakeTurn())
        {
            return;
        }

        bool isWritten;
        try
        {
            isWritten = TakeGroup(own);
            WriteTaken(own);
        }
        finally
        {
            GiveTurnBack();
        }

        // What follows the write runs in this, and must find the turn free.
        if (isWritten)
        {
            own.Complete();
        }
    }

    /// <summary>Takes no more jobs, and completes when those taken are written.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopping = true;

        // Closed by its last job, so that those still waiting for room in the queue are not turned away.
        await _queue.Writer.WriteAsync(new WriteJob<bool>(_ => _queue.Writer.TryComplete()));
        Wake();
        await _stopped.Task;
    }

    /// <summary>Moves the log into the file, however short it is.</summary>
    /// <returns>Whether all of it was moved, and the file ends where its last page does: whoever reads meanwhile holds that up.</returns>
    public async Task<bool> CheckpointAsync()
    {
        var asked = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        asked = Interlocked.CompareExchange(ref _checkpointAsked, asked, null) ?? asked;

        // A job behind which it comes: none is taken any more once the writer has stopped.
        await RunAsync(new WriteJob<bool>(_ => true) { IsEmpty = true });
        return await asked.Task;
    }

    private static ObjectDisposedException Closed() => new(nameof(Database), "The database is closed.");

    private async Task<T> WaitAndRunAsync<T>(WriteJob<T> job)
    {
        try
        {
            await _queue.Writer.WriteAsync(job);
            Wake();
        }
        catch (ChannelClosedException)
        {
            throw Closed();
        }

        return await job.Task;
    }

    /// <returns>Wakes the thread.</returns>
    private Action StartThread()
    {
        var wake = new AutoResetEvent(false);
        var thread = new Thread(() =>
        {
            do
            {
                wake.WaitOne();
            }
            while (!WriteQueued());
        });
        (thread.IsBackground, thread.Name) = (true, "database writer");
        thread.Start();
        return () => wake.Set();
    }

    /// <returns>Whether nothing will be queued any more.</returns>
    private bool WriteQueued()
    {
        Interlocked.Exchange(ref _woken, 0);
        if (!TryTakeTurn())
        {
            // Whoever has it looks at the queue when giving it back.
            return false;
        }

        while (_queue.Reader.Count > 0)
        {
            TakeGroup(null);
            WriteTaken(null);
            CheckpointIfDue();
        }

        CheckpointIfDue();
        if (!_queue.Reader.Completion.IsCompleted)
        {
            GiveTurnBack();
            return false;
        }

        _flush?.Dispose();
        _stopped.SetResult();
        return true;
    }

    private bool TryTakeTurn() => Interlocked.CompareExchange(ref _turn, 1, 0) == 0;

    private void GiveTurnBack()
    {
        Interlocked.Exchange(ref _turn, 0);
        if (_queue.Reader.Count > 0 || IsCheckpointDue || _queue.Reader.Completion.IsCompleted)
        {
            Wake();
        }
    }

    // After a job is queued: either this sees that nobody has the turn, or whoever gives it back sees the job.
    private void Wake()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _turn) == 0 && Interlocked.Exchange(ref _woken, 1) == 0)
        {
            _wakeUp();
        }
    }

    /// <returns>Whether the given job is in the group.</returns>
    private bool TakeGroup(WriteJob? own)
    {
        var found = false;
        while (_group.Count < MaxGroupJobs && _queue.Reader.TryRead(out var job))
        {
            job.IsTaken = true;
            found |= job == own;
            _group.Add(job);
        }

        return found;
    }

    // The caller's own job is left for the caller to complete, who has given the turn back by then.
    private void WriteTaken(WriteJob? own)
    {
        if (_group.Count == 0)
        {
            return;
        }

        _isCommitted = false;
        try
        {
            var flushes = _flush is { IsDue: true } || (!_waitsForDisk && _group.Exists(static job => job.ReachesDisk));
            if (flushes && _logFailure is null)
            {
                WriteGroupAndFlush();
            }
            else
            {
                WriteGroup();
            }
        }
        catch (Exception exception)
        {
            // Memory that ran out, a bug: no job may stay in the group for that, where it would be run once more with the next.
            FailGroup(exception);
        }

        foreach (var job in _group)
        {
            if (job != own)
            {
                job.CompleteElsewhere();
            }
        }

        _group.Clear();
        FitCache();
    }

    private void FitCache()
    {
        try
        {
            _connection.Fit(_pages.KiBOf(writer: true));
        }
        catch (DatabaseException)
        {
            // The jobs are written, and whoever waits for them waits for no more. The next group fits it.
        }
    }

    private bool IsCheckpointDue => (_logPages >= CheckpointPages && _logFailure is null) || Volatile.Read(ref _checkpointAsked) is not null;

    private void CheckpointIfDue()
    {
        if (IsCheckpointDue)
        {
            var asked = Interlocked.Exchange(ref _checkpointAsked, null);
            _logPages = 0;
            var isWhole = _logFailure is null && Checkpoint("PRAGMA wal_checkpoint(PASSIVE)");
            asked?.SetResult(isWhole);
        }
    }

    // A commit that waits for the disk brings all of the log there; the probe is for a group that writes nothing.
    private void WriteGroupAndFlush()
    {
        _group.Add(new WriteJob<bool>(db =>
        {
            StreamPositions.Probe(db);
            return true;
        }));
        _connection.Execute("PRAGMA synchronous = FULL");
        _flushing = true;
        try
        {
            WriteGroup();
        }
        finally
        {
            _flushing = false;
            _connection.Execute("PRAGMA synchronous = NORMAL");
        }
    }

    private void WriteGroup()
    {
        var reserved = _positions.Reserved;
        var changes = _connection.TotalChanges;
        try
        {
            Run("BEGIN IMMEDIATE");
            if (_group is [var only])
            {
                RunJob(only);
                Run(only.Failure is null ? "COMMIT" : "ROLLBACK");
            }
            else
            {
                foreach (var job in _group)
                {
                    RunInSavepoint(job);
                }

                Run("COMMIT");
            }

            _isCommitted = true;
        }
        catch (Exception exception)
        {
            FailGroup(exception);
            if (_flushing && exception is DatabaseException { IsSyncFailure: true } failure)
            {
                KeepLog(failure);
            }
        }

        if (_group.Find(job => IsOfDisk(job.Failure)) is { } failed)
        {
            _diskFailure = _lastDiskFailure = (DatabaseException)failed.Failure!;
        }
        else if (_connection.TotalChanges != changes)
        {
            _diskFailure = null;
        }

        if (_group.TrueForAll(job => job.Failure is not null))
        {
            _positions.Reserved = reserved;
            return;
        }

        try
        {
            if (!_group.TrueForAll(job => job.IsEmpty))
            {
                CountCommit();
            }
        }
        finally
        {
            // What is on the disk is told in any case.
            Publish();
        }
    }

    private void CountCommit()
    {
        var pages = _connection.TakePagesWritten();
        Interlocked.Increment(ref _commits);
        Interlocked.Add(ref _fsyncs, (_waitsForDisk || _flushing) && pages > 0 ? 1 : 0);
        Interlocked.Add(ref _writtenBytes, pages * (long)(PageBytes + FrameHeaderBytes));
        _logPages += pages;
        if (_flushing)
        {
            _flush?.Flushed();
        }
        else if (pages > 0)
        {
            _flush?.Written();
        }
    }

    /// <summary>Moves all of the log into the file, and empties it. For whoever has the connection once the writer has stopped.</summary>
    public void CheckpointLast()
    {
        if (_logFailure is null)
        {
            Checkpoint("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }

    // Here and not in a commit, where SQLite would do it, so that no answer waits for it. What a reader holds up is moved next time.
    private bool Checkpoint(string sql)
    {
        try
        {
            // https://sqlite.org/pragma.html#pragma_wal_checkpoint: whether it was blocked, the pages of the log, and those that are in the file.
            using var checkpoint = _connection.Prepare(sql);
            if (!checkpoint.Step())
            {
                return false;
            }

            var (pages, moved) = (checkpoint.Int64(1), checkpoint.Int64(2));
            if (moved > 0)
            {
                Interlocked.Add(ref _fsyncs, 2);
                Interlocked.Add(ref _writtenBytes, moved * PageBytes);
            }

            return moved == pages;
        }
        catch (DatabaseException exception)
        {
            // What was committed is safe in the log; a disk that is full or broken fails the next commit, which has somebody to tell.
            if (exception.IsSyncFailure && !_waitsForDisk)
            {
                KeepLog(exception);
            }

            return false;
        }
    }

    // Not every commit has waited for this log, and after a failed fsync the system takes for written what is not: the next one would succeed, the
    // file would run ahead of the log, and a power cut leave what neither says. The log as it stands can be told whole from torn by its
    // checksums, so from now on it is moved by the next start only, which reads it so.
    private void KeepLog(DatabaseException failure)
    {
        _logFailure = _lastDiskFailure = failure;
        _connection.KeepLogOnClose(true);
    }

    private void RunInSavepoint(WriteJob job)
    {
        var reserved = _positions.Reserved;
        Run("SAVEPOINT job");
        RunJob(job);
        if (job.Failure is not null)
        {
            Run("ROLLBACK TO job");
            _positions.Reserved = reserved;
        }

        Run("RELEASE job");
    }

    private void RunJob(WriteJob job)
    {
        var transaction = job.Transaction = new WriteTransaction(_connection, _positions, _bodies, _stateKeys);
        try
        {
            job.Run(transaction);
        }
        catch (Exception exception)
        {
            job.Failure = exception;
        }

        transaction.Finish();

        // A full or broken disk makes SQLite itself roll back, and with this job's work goes that of the whole group.
        if (!_connection.InTransaction)
        {
            throw new DatabaseException("SQLite rolled the transaction back.", job.Failure);
        }
    }

    private void FailGroup(Exception exception)
    {
        foreach (var job in _group)
        {
            if (_isCommitted && job.Failure is null)
            {
                job.AfterCommitFailure ??= exception;
            }
            else
            {
                job.Failure ??= new DatabaseException("The write is not stored: " + exception.Message, exception);
            }
        }

        if (_connection.InTransaction)
        {
            RollBack();
        }
    }

    private void RollBack()
    {
        try
        {
            _connection.Execute("ROLLBACK");
        }
        catch (DatabaseException)
        {
            // The transaction is over all the same, and its pages are read again from the disk. https://sqlite.org/lang_transaction.html
        }
    }

    private static bool IsOfDisk(Exception? failure) => failure is DatabaseException { IsDiskFailure: true };

    private void Publish()
    {
        foreach (var job in _group)
        {
            if (job is { Failure: null, Transaction.LastPosition: var position } && position > _committedPosition)
            {
                Interlocked.Exchange(ref _committedPosition, position);
            }
        }

        foreach (var job in _group)
        {
            if (job.Failure is null)
            {
                Interlocked.Add(ref _writes, job.IsEmpty ? 0 : 1);
                RunAfterCommit(job);
            }
        }
    }

    private static void RunAfterCommit(WriteJob job)
    {
        foreach (var action in job.Transaction!.AfterCommitActions)
        {
            try
            {
                action();
            }
            catch (Exception exception)
            {
                job.AfterCommitFailure ??= exception;
            }
        }
    }

    private void Run(string sql)
    {
        using var statement = _connection.Prepare(sql);
        statement.Run();
    }
}
