namespace EdgeMatrix.Storage;

/// <summary>Work in the writer's queue, whose caller does it where otherwise another thread would have to be woken.</summary>
public sealed class QueuedWrite<T>
{
    private readonly DatabaseWriter _writer;
    private readonly WriteJob<T> _job;

    internal QueuedWrite(DatabaseWriter writer, WriteJob<T> job)
    {
        (_writer, _job) = (writer, job);
        Task = writer.RunAsync(job);
    }

    /// <inheritdoc cref="Database.WriteAsync{T}"/>
    public Task<T> Task { get; }

    /// <summary>
    /// Sees to it that the work is done: here and now, with what else is queued, unless another thread is at it. Must be called, once
    /// everything is let go that others could wait for: it takes as long as the disk does, and what follows the task runs in it.
    /// </summary>
    public void Start() => _writer.WriteNow(_job);
}
