using EdgeMatrix.Configuration;
using EdgeMatrix.Protocol;
using EdgeMatrix.Storage;

namespace EdgeMatrix.CommandLine;

/// <summary><c>rotate-key</c>: has the server sign with a new key, while it is stopped.</summary>
internal static class RotateKeyCommand
{
    /// <summary>Returns the exit code.</summary>
    /// <exception cref="DatabaseException">The data folder cannot be used, or the key cannot be changed.</exception>
    public static async Task<int> RunAsync(HomeserverOptions options, Terminal terminal)
    {
        if (!File.Exists(HomeserverParts.DatabaseOf(options).Path))
        {
            terminal.Complain($"there is no server in {options.Server.Data}");
            return ExitCode.WrongUsage;
        }

        await using var database = Database.Open(HomeserverParts.DatabaseOf(options));
        var (old, now) = await ServerIdentity.RotateAsync(database, new SodiumRandom(), TimeProvider.System);
        terminal.Output.WriteLine($"the server signs with {now} from its next start on; {old} is published as an old key");
        return ExitCode.Done;
    }
}
