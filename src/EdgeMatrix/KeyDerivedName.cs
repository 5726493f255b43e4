namespace EdgeMatrix;

/// <summary>The server name of a server that was given none: its public key, so that no one else has it and no one had to register it.</summary>
public static class KeyDerivedName
{
    /// <param name="publicKey">An Ed25519 public key, 32 bytes.</param>
    /// <returns>64 lowercase hex digits, which the grammar of server names allows.</returns>
    public static string Of(ReadOnlySpan<byte> publicKey) => Convert.ToHexStringLower(publicKey);
}
