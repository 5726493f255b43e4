using EdgeMatrix.Storage;

namespace EdgeMatrix.Testing;

/// <summary>Keeps the writer's thread in a job of its own until it is released.</summary>
/// <remarks>
/// It is in that job when the constructor returns: as long as the job only waits in the queue, a caller that writes on its own thread
/// may take it along, and would wait there for the release that it was to bring about.
/// </remarks>
public sealed class HeldWriter : IDisposable
{
    private readonly ManualResetEventSlim _release = new();
    private readonly Task _job;

    public HeldWriter(Database database)
    {
        using var started = new ManualResetEventSlim();
        _job = database.WriteAsync(_ =>
        {
            started.Set();
            _release.Wait();
        });
        started.Wait();
    }

    public void Release() => _release.Set();

    public void Dispose()
    {
        _release.Set();
        _job.Wait();
        _release.Dispose();
    }
}
