using System.Security.Cryptography;
using EdgeMatrix.Configuration;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Signing;
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
            var surroundings = new Surroundings { Random = new SodiumRandom() };
            await using var homeserver = Homeserver.Build(options, surroundings, () => NameFromNewKey(surroundings.Random));
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

    private static string NameFromNewKey(RandomSource random)
    {
        Span<byte> seed = stackalloc byte[SigningKey.SeedBytes];
        random.Fill(seed);
        using var key = SigningKey.FromSeed("1", seed);
        return KeyDerivedName.Of(key.PublicKey);
    }
}
