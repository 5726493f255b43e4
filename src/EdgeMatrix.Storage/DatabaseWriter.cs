using System.Threading.Channels;

namespace EdgeMatrix.Storage;

/// <summary>
/// The one thread that writes. It takes what is queued as a group, writes it in one transaction with a savepoint for each
/// job, and completes the jobs' tasks when the group is on disk.
/// </summary>
internal sealed class DatabaseWriter
{
    private const int MaxQueuedJobs = 1024;
    private const int MaxGroupJobs = 256;

    private readonly DatabaseConnection _connection;
    private readonly EventBodyCodec _bodies;
    private readonly KnownStateKeys _stateKeys;
    private readonly StreamPositions _positions;
    private readonly Channel<WriteJob> _queue;
    private readonly List<WriteJob> _group = new(MaxGroupJobs);
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;
    private long _committedPosition;
    private long _commits;
    private long _writes;

    public DatabaseWriter(DatabaseConnection connection, EventBodyCodec bodies, KnownStateKeys stateKeys)
    {
        _bodies = bodies;
        _stateKeys = stateKeys;
        _connection = connection;
        _positions = new StreamPositions(connection);
        _committedPosition = _positions.Reserved;

        // A synchronous continuation here is no more than the wake-up of a thread; without it that would take a detour
        // through the thread pool.
        _queue = Channel.CreateBounded<WriteJob>(
            new BoundedChannelOptions(MaxQueuedJobs) { SingleReader = true, AllowSynchronousContinuations = true });
        new Thread(Loop) { IsBackground = true, Name = "database writer" }.Start();
    }

    public long CommittedPosition => Interlocked.Read(ref _committedPosition);

    public long Commits => Interlocked.Read(ref _commits);

    public long Writes => Interlocked.Read(ref _writes);

    /// <summary>Queues a job; jobs run in the order of the calls, also those that wait for room in the queue.</summary>
    public Task<T> RunAsync<T>(WriteJob<T> job)
    {
        if (_stopping)
        {
            return Task.FromException<T>(Closed());
        }

        return _queue.Writer.TryWrite(job) ? job.Task : WaitAndRunAsync(job);
    }

    /// <summary>Takes no more jobs, and completes when those taken are written.</summary>
    public async Task StopAsync()
    {
        _stopping = true;

        // Closed by its last job, so that those still waiting for room in the queue are not turned away.
        await _queue.Writer.WriteAsync(new WriteJob<bool>(_ => _queue.Writer.TryComplete()));
        await _stopped.Task;
    }

    private static ObjectDisposedException Closed() => new(nameof(Database), "The database is closed.");

    private async Task<T> WaitAndRunAsync<T>(WriteJob<T> job)
    {
        try
        {
            await _queue.Writer.WriteAsync(job);
        }
        catch (ChannelClosedException)
        {
            throw Closed();
        }

        return await job.Task;
    }

    private void Loop()
    {
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (_group.Count < MaxGroupJobs && _queue.Reader.TryRead(out var job))
            {
                _group.Add(job);
            }

            WriteGroup();
            foreach (var job in _group)
            {
                job.Complete();
            }

            _group.Clear();
        }

        _stopped.SetResult();
    }

    private void WriteGroup()
    {
        var reserved = _positions.Reserved;
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
        }
        catch (DatabaseException exception)
        {
            FailGroup(exception);
        }

        if (_group.TrueForAll(job => job.Failure is not null))
        {
            _positions.Reserved = reserved;
            return;
        }

        Interlocked.Increment(ref _commits);
        Publish();
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

    private void FailGroup(DatabaseException exception)
    {
        foreach (var job in _group)
        {
            job.Failure ??= new DatabaseException("The write is not stored: " + exception.Message, exception);
        }

        if (_connection.InTransaction)
        {
            _connection.Execute("ROLLBACK");
        }
    }

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
                Interlocked.Increment(ref _writes);
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
