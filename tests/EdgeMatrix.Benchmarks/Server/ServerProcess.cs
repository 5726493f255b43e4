using System.Diagnostics;
using System.Globalization;

namespace EdgeMatrix.Benchmarks.Server;

/// <summary>The process of a homeserver: the published file on a data folder and a free port, which dies with the benchmark, or one that runs already.</summary>
internal sealed class ServerProcess : IDisposable
{
    // USER_HZ, which Linux has fixed for all that read /proc.
    private const double TicksPerSecond = 100;

    private readonly Process _process;

    private readonly bool _isOurs;

    private ServerProcess(Process process, Uri address, bool isOurs)
    {
        (_process, Address, _isOurs) = (process, address, isOurs);
    }

    public Uri Address { get; }

    public static async Task<ServerProcess> StartAsync(string binary, string folder, string serverName, params IEnumerable<string> more)
    {
        string[] usual = ["serve", "--data", folder, "--server-name", serverName, "--listen", "http://127.0.0.1:0", "--set", "log.level=warning", "--set", "limits.rate=off"];
        var start = new ProcessStartInfo(binary, [.. usual, .. more])
        {
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("ready ", StringComparison.Ordinal))
            {
                return new ServerProcess(process, new Uri(line[(line.IndexOf("listen=", StringComparison.Ordinal) + 7)..].Split(',')[0]), isOurs: true);
            }
        }

        throw new IOException($"{binary} did not start");
    }

    /// <summary>A server that somebody else started and will end.</summary>
    public static ServerProcess Watch(int processId, Uri address) => new(Process.GetProcessById(processId), address, isOurs: false);

    /// <summary>Processor time so far, in seconds, user and system.</summary>
    public double CpuSeconds()
    {
        // The name in field 2 may hold spaces; utime and stime are fields 14 and 15.
        var stat = File.ReadAllText($"/proc/{_process.Id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (Number(fields[11]) + Number(fields[12])) / TicksPerSecond;
    }

    /// <param name="field">Of /proc/PID/status, such as <c>VmRSS</c>.</param>
    public double Megabytes(string field)
    {
        var line = File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith(field + ':', StringComparison.Ordinal));
        return Number(line[(field.Length + 1)..].Replace("kB", "", StringComparison.Ordinal).Trim()) / 1024;
    }

    /// <summary>Bytes that the process had written to the storage layer.</summary>
    public double WrittenBytes()
    {
        var line = File.ReadLines($"/proc/{_process.Id}/io").First(line => line.StartsWith("write_bytes:", StringComparison.Ordinal));
        return Number(line[12..].Trim());
    }

    /// <summary>Ends it as a service manager would.</summary>
    public async Task StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (_isOurs && !_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
