using System.Diagnostics.CodeAnalysis;
using NSec.Cryptography;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>A public key of a server, and the time that it signs for.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#publishing-keys</remarks>
public sealed class VerifyKey
{
    private const long WeekMs = 7 * 24 * 60 * 60 * 1000L;

    private readonly PublicKey _key;

    private VerifyKey(string keyId, PublicKey key, long untilTs, bool isOld)
    {
        _key = key;
        KeyId = keyId;
        UntilTs = untilTs;
        IsOld = isOld;
    }

    /// <summary><c>ed25519:</c> and a version.</summary>
    public string KeyId { get; }

    /// <summary>
    /// Milliseconds since the Unix epoch: of a key in use, until when it is trusted (see <see cref="TrustedUntil"/>); of an old one, its
    /// <c>expired_ts</c>.
    /// </summary>
    public long UntilTs { get; }

    /// <summary>Whether its server has stopped using it.</summary>
    public bool IsOld { get; }

    /// <summary>32 bytes.</summary>
    public byte[] Bytes => _key.Export(KeyBlobFormat.RawPublicKey);

    /// <summary>
    /// "Servers MUST use the lesser of <c>valid_until_ts</c> and 7 days into the future when determining if a key is valid." The 7 days
    /// run from when the key was fetched: they are how long its owner may have to wait until a key that was stolen and revoked is
    /// trusted nowhere.
    /// </summary>
    public static long TrustedUntil(long validUntilTs, long fetchedTs) => Math.Min(validUntilTs, fetchedTs + WeekMs);

    /// <summary>A key that its server signs with; false if the bytes are no key, or the algorithm is none that we know.</summary>
    /// <param name="trustedUntilTs">As <see cref="TrustedUntil"/> has it.</param>
    public static bool TryCreate(
        string keyId, ReadOnlySpan<byte> publicKey, long trustedUntilTs, [NotNullWhen(true)] out VerifyKey? key) =>
        TryCreate(keyId, publicKey, trustedUntilTs, isOld: false, out key);

    /// <summary>A key that its server signed with until <paramref name="expiredTs"/>; false if it is none.</summary>
    public static bool TryCreateOld(
        string keyId, ReadOnlySpan<byte> publicKey, long expiredTs, [NotNullWhen(true)] out VerifyKey? key) =>
        TryCreate(keyId, publicKey, expiredTs, isOld: true, out key);

    /// <summary>Whether a signature of this key counts on an event of that time.</summary>
    /// <param name="enforcesKeyValidity">What the room version says, of <c>valid_until_ts</c>.</param>
    public bool MaySign(long originServerTs, bool enforcesKeyValidity)
    {
        // "Any keys that are known to have expired prior to the event's origin_server_ts are ignored." In every room version: what "MUST
        // be ignored in room versions 1, 2, 3, and 4" is valid_until_ts alone.
        if (IsOld)
        {
            return UntilTs >= originServerTs;
        }

        // "When validating event signatures, servers MUST enforce the valid_until_ts property from a key request is at least as large as
        // the origin_server_ts for the event being validated."
        return !enforcesKeyValidity || UntilTs >= originServerTs;
    }

    /// <summary>Whether the key may sign requests at that time, which old keys may not at any.</summary>
    /// <remarks>"A list of <c>old_verify_keys</c> which are only valid for signing events."</remarks>
    public bool MaySignRequests(long nowTs) => !IsOld && UntilTs >= nowTs;

    /// <summary>Whether the signature over the bytes is this key's. Its time is not asked.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        signature.Length == Ed25519.SignatureBytes && SignatureAlgorithm.Ed25519.Verify(_key, data, signature);

    public override string ToString() => KeyId;

    private static bool TryCreate(
        string keyId, ReadOnlySpan<byte> publicKey, long untilTs, bool isOld, [NotNullWhen(true)] out VerifyKey? key)
    {
        key = KeyIds.IsEd25519(keyId)
            && PublicKey.TryImport(SignatureAlgorithm.Ed25519, publicKey, KeyBlobFormat.RawPublicKey, out var imported)
                ? new VerifyKey(keyId, imported!, untilTs, isOld)
                : null;
        return key is not null;
    }
}
