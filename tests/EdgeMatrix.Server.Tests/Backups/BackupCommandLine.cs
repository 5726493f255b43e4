using EdgeMatrix.CommandLine;
using EdgeMatrix.Configuration;

namespace EdgeMatrix.Server.Tests.Backups;

/// <summary>Runs <c>backup</c> or <c>restore</c> as if typed.</summary>
internal static class BackupCommandLine
{
    /// <summary>The exit code, and what was said on standard error.</summary>
    public static async Task<(int Code, string Error)> RunAsync(string data, string[] arguments, Stream? input = null, Stream? output = null)
    {
        using var error = new StringWriter();
        var options = new HomeserverOptions { Server = new ServerOptions { Data = data } };
        var terminal = new Terminal(() => null, TextWriter.Null, error) { OpenInput = () => input!, OpenOutput = () => output! };
        var code = await new BackupCommands(options, terminal).RunAsync(Arguments.Parse(arguments, out _)!);
        return (code, error.ToString());
    }
}
