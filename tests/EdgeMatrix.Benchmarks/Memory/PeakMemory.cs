using EdgeMatrix.Benchmarks.Server;

namespace EdgeMatrix.Benchmarks.Memory;

/// <summary>The most memory that a process held in a stretch of time, looked at every few milliseconds.</summary>
internal sealed class PeakMemory : IAsyncDisposable
{
    private readonly ServerProcess _server;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _watch;
    private double _resident;
    private double _private;
    private double _cpu;

    public PeakMemory(ServerProcess server)
    {
        _server = server;
        _watch = WatchAsync();
    }

    public void Begin()
    {
        _cpu = _server.CpuSeconds();
        (_resident, _private) = (0, 0);
        Look();
    }

    public string End()
    {
        Look();
        return $"peak {_resident:F1} MB resident, {_private:F1} MB of it private; "
            + $"then {_server.Megabytes("VmRSS"):F1} and {_server.Megabytes("RssAnon"):F1}; {_server.CpuSeconds() - _cpu:F1} s of processor";
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _watch;
        _end.Dispose();
    }

    private async Task WatchAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            Look();
            await Task.Delay(10);
        }
    }

    private void Look()
    {
        _resident = Math.Max(_resident, _server.Megabytes("VmRSS"));
        _private = Math.Max(_private, _server.Megabytes("RssAnon"));
    }
}
