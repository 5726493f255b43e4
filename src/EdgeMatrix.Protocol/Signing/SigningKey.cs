using NSec.Cryptography;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>An Ed25519 key that a server signs events, requests and its own keys with.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#signing-details</remarks>
public sealed class SigningKey : IDisposable
{
    /// <summary>What a seed has, in bytes, and a public key as well.</summary>
    public const int SeedBytes = 32;

    public const int SignatureBytes = Ed25519.SignatureBytes;

    private readonly Key _key;

    private SigningKey(string keyVersion, Key key)
    {
        _key = key;
        KeyId = $"{KeyIds.Ed25519Prefix}{keyVersion}";
    }

    /// <summary>The signing key identifier: <c>ed25519:</c> and the version.</summary>
    public string KeyId { get; }

    /// <summary>32 bytes.</summary>
    public byte[] PublicKey => _key.PublicKey.Export(KeyBlobFormat.RawPublicKey);

    /// <param name="keyVersion">What follows the colon of the key id: letters, digits, <c>_</c>.</param>
    /// <param name="seed32">The private key, <see cref="SeedBytes"/> long.</param>
    /// <exception cref="FormatException">The seed is not 32 bytes.</exception>
    public static SigningKey FromSeed(string keyVersion, ReadOnlySpan<byte> seed32) =>
        new(keyVersion, Key.Import(SignatureAlgorithm.Ed25519, seed32, KeyBlobFormat.RawPrivateKey));

    /// <summary>64 bytes.</summary>
    public byte[] Sign(ReadOnlySpan<byte> data) => SignatureAlgorithm.Ed25519.Sign(_key, data);

    public void Dispose() => _key.Dispose();
}
