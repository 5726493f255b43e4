namespace EdgeMatrix.Storage;

/// <summary>A piece of work in the writer's queue.</summary>
internal abstract class WriteJob
{
    /// <summary>It writes nothing, and is there for the writer to pass by.</summary>
    public bool IsEmpty { get; init; }

    /// <summary>Why the job is rolled back; null if it is not.</summary>
    public Exception? Failure { get; set; }

    /// <summary>What an action after the commit threw.</summary>
    public Exception? AfterCommitFailure { get; set; }

    public WriteTransaction? Transaction { get; set; }

    public abstract void Run(WriteTransaction transaction);

    /// <summary>Completes the task of the caller, whose continuation runs on another thread.</summary>
    public abstract void Complete();
}

internal sealed class WriteJob<T>(Func<WriteTransaction, T> work) : WriteJob
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
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
