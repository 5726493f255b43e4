namespace EdgeMatrix.Accounts.Passwords;

/// <summary>What guessing a password takes, and so does every login.</summary>
/// <param name="MemoryKiB">Argon2's memory.</param>
/// <param name="Passes">How often it goes over that.</param>
public sealed record PasswordCost(int MemoryKiB, int Passes)
{
    /// <summary>The least that OWASP's Password Storage Cheat Sheet advises for small machines.</summary>
    public static PasswordCost Standard { get; } = new(9 * 1024, 4);
}
