using System.Diagnostics;

namespace EdgeMatrix.Storage.Tests;

/// <summary>The torture program, running; killed when disposed of.</summary>
internal sealed class TortureProcess : IDisposable
{
    private readonly Process _process;

    public TortureProcess(string command, string path)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "EdgeMatrix.Storage.Torture.dll");
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            ArgumentList = { "exec", program, command, path },
        };
        _process = Process.Start(start)!;
    }

    public StreamReader Output => _process.StandardOutput;

    /// <summary>SIGKILL; what the process had put into the pipe can still be read.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}
