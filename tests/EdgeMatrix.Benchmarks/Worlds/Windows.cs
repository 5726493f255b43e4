namespace EdgeMatrix.Benchmarks.Worlds;

/// <summary>Runs numbered work in order of starting, with some of it under way at once.</summary>
internal static class Windows
{
    public static async Task ForAsync(int count, int atOnce, Func<int, Task> work)
    {
        var running = new Queue<Task>();
        for (var i = 0; i < count; i++)
        {
            running.Enqueue(work(i));
            if (running.Count == atOnce)
            {
                await running.Dequeue();
            }
        }

        await Task.WhenAll(running);
    }
}
