namespace EdgeMatrix.Storage;

/// <summary>A piece of work in the writer's queue.</summary>
internal abstract class WriteJob(bool callerHelps)
{
    private volatile bool _taken;

    /// <summary>It writes nothing, and is there for the writer to pass by.</summary>
    public bool IsEmpty { get; init; }

    /// <summary>It is on the disk when it completes, with relaxed durability too.</summary>
    public bool ReachesDisk { get; init; }

    /// <summary>Whoever queued it calls <see cref="DatabaseWriter.WriteNow"/> next.</summary>
    public bool CallerHelps => callerHelps;

    /// <summary>It is in a group, and no longer in the queue.</summary>
    public bool IsTaken
    {
        get => _taken;
        set => _taken = value;
    }

    /// <summary>Why the job is rolled back; null if it is not.</summary>
    public Exception? Failure { get; set; }

    /// <summary>What an action after the commit threw.</summary>
    public Exception? AfterCommitFailure { get; set; }

    public WriteTransaction? Transaction { get; set; }

    public abstract void Run(WriteTransaction transaction);

    /// <summary>Completes the task of the caller; what follows it runs on this thread, if the caller helps.</summary>
    public abstract void Complete();

    /// <summary>Completes the task of the caller; what follows it runs on another thread.</summary>
    public void CompleteElsewhere()
    {
        if (CallerHelps)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static job => job.Complete(), this, preferLocal: false);
        }
        else
        {
            Complete();
        }
    }
}

internal sealed class WriteJob<T>(Func<WriteTransaction, T> work, bool callerHelps = false) : WriteJob(callerHelps)
{
    private readonly TaskCompletionSource<T> _done =
        new(callerHelps ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    public Task<T> Task => _done.Task;

    public override void Run(WriteTransaction transaction) => _result = work(transaction);

    public override void Complete()
    {
        if ((Failure ?? AfterCommitFailure) is { } failure)
        {
            _done.SetException(failure);
        }
        else
        {
            _done.SetResult(_result!);
        }
    }
}
