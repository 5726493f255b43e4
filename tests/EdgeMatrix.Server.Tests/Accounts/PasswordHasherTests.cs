using EdgeMatrix.Accounts.Passwords;
using EdgeMatrix.Protocol;
using NSec.Cryptography;
using Xunit;

namespace EdgeMatrix.Server.Tests.Accounts;

public sealed class PasswordHasherTests : IDisposable
{
    private readonly PasswordHasher _passwords = new(new SeededRandom(1), PasswordCost.Standard);

    [Fact]
    public async Task A_password_is_known_again_and_another_is_not()
    {
        var phc = await _passwords.HashAsync("correct horse", CancellationToken.None);

        Assert.True(await _passwords.VerifyAsync(phc, "correct horse", CancellationToken.None));
        Assert.False(await _passwords.VerifyAsync(phc, "correct horsf", CancellationToken.None));
        Assert.False(await _passwords.VerifyAsync(phc, "", CancellationToken.None));
    }

    [Fact]
    public async Task The_hash_names_its_parameters_and_has_its_own_salt()
    {
        var first = await _passwords.HashAsync("x", CancellationToken.None);
        var second = await _passwords.HashAsync("x", CancellationToken.None);

        Assert.Matches(@"^\$argon2id\$v=19\$m=9216,t=4,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$", first);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task A_hash_of_other_parameters_is_verified_by_them()
    {
        var salt = new byte[16];
        var algorithm = PasswordBasedKeyDerivationAlgorithm.Argon2id(
            new Argon2Parameters { DegreeOfParallelism = 1, MemorySize = 64, NumberOfPasses = 3 });
        var hash = algorithm.DeriveBytes("password", salt, 32);
        var phc = $"$argon2id$v=19$m=64,t=3,p=1${UnpaddedBase64.Encode(salt)}${UnpaddedBase64.Encode(hash)}";

        Assert.True(await _passwords.VerifyAsync(phc, "password", CancellationToken.None));
        Assert.False(await _passwords.VerifyAsync(phc, "passwort", CancellationToken.None));
    }

    [Fact]
    public async Task Nobody_s_password_is_always_wrong()
    {
        Assert.False(await _passwords.VerifyAsync(null, "anything", CancellationToken.None));
    }

    [Fact]
    public async Task A_stored_string_that_asks_for_all_memory_is_refused()
    {
        const string Greedy = "$argon2id$v=19$m=2147483647,t=4,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

        await Assert.ThrowsAsync<FormatException>(() => _passwords.VerifyAsync(Greedy, "x", CancellationToken.None));
    }

    public void Dispose() => _passwords.Dispose();
}
