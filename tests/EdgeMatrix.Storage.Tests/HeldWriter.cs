namespace EdgeMatrix.Storage.Tests;

/// <summary>Keeps the writer's thread in a job of its own until it is released.</summary>
internal sealed class HeldWriter : IDisposable
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
