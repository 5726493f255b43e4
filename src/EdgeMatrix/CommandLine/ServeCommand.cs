using System.Security.Cryptography;
using EdgeMatrix.Configuration;
using EdgeMatrix.Protocol;
using EdgeMatrix.Serving;

namespace EdgeMatrix.CommandLine;

/// <summary><c>serve</c>: runs the server until it is told to stop.</summary>
internal static class ServeCommand
{
    /// <summary>Returns the exit code.</summary>
    public static async Task<int> RunAsync(HomeserverOptions options, Terminal terminal, CancellationToken cancellation)
    {
        try
        {
            // Whoever sends may wait for the disk on the thread that serves it: while one does, as many as there are processors go on.
            ThreadPool.GetMinThreads(out var workers, out var completionPorts);
            ThreadPool.SetMinThreads(workers + 1, completionPorts);

            var surroundings = new Surroundings { Random = new SodiumRandom() };
            await using var homeserver = await Homeserver.BuildAsync(options, surroundings);
            await homeserver.StartAsync(cancellation);
            Greeting.Write(terminal, homeserver.ServerName, homeserver.Addresses, options.Server.PublicBaseUrl);
            await homeserver.WaitForShutdownAsync(cancellation);
            return ExitCode.Done;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException)
        {
            terminal.Complain(failure.Message);
            return ExitCode.Failed;
        }
    }
}
