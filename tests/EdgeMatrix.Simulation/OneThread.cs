namespace EdgeMatrix.Simulation;

/// <summary>
/// The thread that everything of a run happens on: the thread pool has no other (the project file says so), and the databases write on it. What is queued
/// first runs first, so that a run goes the same way whenever it is played, however busy the machine is.
/// </summary>
internal static class OneThread
{
    /// <summary>Does work on the thread, and waits for it on that of the caller.</summary>
    /// <exception cref="InvalidOperationException">The pool has more than the one thread.</exception>
    public static T Run<T>(Func<Task<T>> work)
    {
        ThreadPool.GetMaxThreads(out var threads, out _);
        return threads == 1
            ? Task.Run(work).GetAwaiter().GetResult()
            : throw new InvalidOperationException($"The thread pool has {threads} threads, and no run would be like another");
    }

    /// <summary>Lets everything else run that can, until all that is left waits for a timer. Two who do so at once would wait for each other.</summary>
    public static async Task RestAsync()
    {
        do
        {
            await Task.Yield();
        }
        while (ThreadPool.PendingWorkItemCount > 0);
    }

    /// <summary>Lets so many pieces of other work run, or a few more: whoever is called next finds work that is half done.</summary>
    public static async Task BeginAsync(int pieces)
    {
        for (var piece = 0; piece < pieces; piece++)
        {
            await Task.Yield();
        }
    }
}
