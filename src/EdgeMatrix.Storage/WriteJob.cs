namespace EdgeMatrix.Storage;

/// <summary>A queued write.</summary>
internal abstract class WriteJob
{
    /// <summary>What the work threw, if it did.</summary>
    public Exception? Failure { get; set; }

    public abstract void Run(WriteTransaction db);

    /// <summary>Ends the task, with the result or the failure.</summary>
    public abstract void Complete();

    public abstract void Fail(Exception exception);
}

internal sealed class WriteJob<T>(Func<WriteTransaction, T> work) : WriteJob
{
    // Whoever waits goes on elsewhere: the writer thread only writes.
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    public Task<T> Task => _done.Task;

    public override void Run(WriteTransaction db) => _result = work(db);

    public override void Complete()
    {
        if (Failure is null)
        {
            _done.SetResult(_result!);
        }
        else
        {
            _done.SetException(Failure);
        }
    }

    public override void Fail(Exception exception) => _done.TrySetException(exception);
}
