using System.Globalization;
using System.Security.Cryptography;
using EdgeMatrix.Protocol;
using NSec.Cryptography;

namespace EdgeMatrix.Accounts.Passwords;

/// <summary>Hashes passwords with Argon2id, as PHC strings.</summary>
/// <remarks>No more than two run at a time, so that a rush of logins cannot take the memory of a Pi.</remarks>
public sealed class PasswordHasher : IDisposable
{
    private const int SaltBytes = 16;
    private const int HashBytes = 32;

    // No string of ours asks for more; a stored one that does would be a way to take all memory.
    private const int MaxMemoryKiB = 256 * 1024;
    private const int MaxPasses = 16;

    private readonly RandomSource _random;
    private readonly PasswordCost _cost;
    private readonly SemaphoreSlim _running = new(Math.Clamp(Environment.ProcessorCount - 1, 1, 2));
    private readonly string _nobody;

    /// <param name="cost">Of the hashes it makes; one that is stored is verified by what it names.</param>
    public PasswordHasher(RandomSource random, PasswordCost cost)
    {
        _random = random;
        _cost = cost;
        // Parameters as of every other hash, and a hash that no password has (but one in 2^256).
        var noise = new byte[SaltBytes + HashBytes];
        random.Fill(noise);
        _nobody = Format(noise.AsSpan(0, SaltBytes), noise.AsSpan(SaltBytes));
    }

    /// <returns>A PHC string: <c>$argon2id$v=19$m=9216,t=4,p=1$salt$hash</c>.</returns>
    public async Task<string> HashAsync(string password, CancellationToken cancellationToken)
    {
        var salt = new byte[SaltBytes];
        _random.Fill(salt);
        var hash = await DeriveAsync(password, salt, _cost.MemoryKiB, _cost.Passes, HashBytes, cancellationToken);
        return Format(salt, hash);
    }

    /// <summary>Whether the password is the one that was hashed. Null for nobody's takes the same time, and is false.</summary>
    public async Task<bool> VerifyAsync(string? phc, string password, CancellationToken cancellationToken)
    {
        var (memoryKiB, passes, salt, hash) = Parse(phc ?? _nobody);
        var derived = await DeriveAsync(password, salt, memoryKiB, passes, hash.Length, cancellationToken);
        return CryptographicOperations.FixedTimeEquals(derived, hash) && phc is not null;
    }

    public void Dispose() => _running.Dispose();

    private async Task<byte[]> DeriveAsync(
        string password, byte[] salt, int memoryKiB, int passes, int hashBytes, CancellationToken cancellationToken)
    {
        await _running.WaitAsync(cancellationToken);
        try
        {
            var algorithm = PasswordBasedKeyDerivationAlgorithm.Argon2id(
                new Argon2Parameters { DegreeOfParallelism = 1, MemorySize = memoryKiB, NumberOfPasses = passes });
            return await Task.Run(() => algorithm.DeriveBytes(password, salt, hashBytes), cancellationToken);
        }
        finally
        {
            _running.Release();
        }
    }

    private string Format(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> hash) =>
        $"$argon2id$v=19$m={_cost.MemoryKiB},t={_cost.Passes},p=1${UnpaddedBase64.Encode(salt)}${UnpaddedBase64.Encode(hash)}";

    private static (int MemoryKiB, int Passes, byte[] Salt, byte[] Hash) Parse(string phc)
    {
        var parts = phc.Split('$');
        if (parts is ["", "argon2id", "v=19", var parameters, var saltText, var hashText]
            && parameters.Split(',') is [['m', '=', .. var memory], ['t', '=', .. var time], "p=1"]
            && int.TryParse(memory, NumberStyles.None, CultureInfo.InvariantCulture, out var memoryKiB)
            && int.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var passes)
            && memoryKiB is > 0 and <= MaxMemoryKiB
            && passes is > 0 and <= MaxPasses
            && UnpaddedBase64.TryDecode(saltText, out var salt) && salt.Length == SaltBytes
            && UnpaddedBase64.TryDecode(hashText, out var hash) && hash.Length >= 16)
        {
            return (memoryKiB, passes, salt, hash);
        }

        throw new FormatException("The stored password is not an Argon2id PHC string");
    }
}
