using NSec.Cryptography;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>Checks Ed25519 signatures of keys that strangers publish.</summary>
internal static class Ed25519
{
    public const int SignatureBytes = 64;

    /// <summary>False also for a key or a signature that is none.</summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        signature.Length == SignatureBytes
        && PublicKey.TryImport(SignatureAlgorithm.Ed25519, publicKey, KeyBlobFormat.RawPublicKey, out var imported)
        && SignatureAlgorithm.Ed25519.Verify(imported!, data, signature);
}
