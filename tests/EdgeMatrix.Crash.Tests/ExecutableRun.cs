using System.Diagnostics;

namespace EdgeMatrix.Crash.Tests;

/// <summary>The executable itself, run to its end.</summary>
internal sealed record ExecutableRun(int ExitCode, string Error)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    /// <param name="before">Words before the command: what it is run with.</param>
    public static Task<ExecutableRun> ServeAsync(string data, params string[] before) =>
        RunAsync(before, "serve", "--data", data, "--listen", "http://127.0.0.1:0", "--server-name", "test");

    /// <inheritdoc cref="ServeAsync"/>
    public static async Task<ExecutableRun> RunAsync(string[] before, params string[] command)
    {
        string[] words = [.. before, "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "edgematrix.dll"), .. command];
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_CLI_HOME"] = "/tmp", ["DOTNET_EnableDiagnostics"] = "0" },
        };
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(_patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await Task.WhenAll(output, error, process.WaitForExitAsync(limit.Token));
            return new ExecutableRun(process.ExitCode, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return new ExecutableRun(-1, "it goes on, or hangs");
        }
    }
}
