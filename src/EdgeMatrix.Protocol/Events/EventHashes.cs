using System.Buffers.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;
using NSec.Cryptography;

namespace EdgeMatrix.Protocol.Events;

/// <summary>The two hashes of an event: one over all that it says, one over what redaction leaves of it.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#signing-events</remarks>
public static class EventHashes
{
    private static readonly KeyFilter Hashed = KeyFilter.AllBut("unsigned", "signatures", "hashes");

    /// <summary>The 32 bytes that stand in <c>hashes.sha256</c>.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event</remarks>
    /// <exception cref="FormatException">The event has no canonical form.</exception>
    public static byte[] ContentHash(JsonElement eventJson, RoomVersion version) =>
        Sha256(CanonicalJson.Write(eventJson, Hashed, version.CanonicalForm));

    /// <summary>Whether the event is the one that its hash was made of; if not, only its redacted form may be used.</summary>
    public static bool ContentHashMatches(Pdu candidate)
    {
        var root = candidate.ParseJson();
        return UnpaddedBase64.TryDecode(root.ObjectOrNull("hashes"u8)?.StringOrNull("sha256"u8), out var claimed)
            && claimed.AsSpan().SequenceEqual(ContentHash(root, candidate.Version));
    }

    /// <summary>The 32 bytes that name the event: they outlive redaction.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event</remarks>
    /// <exception cref="FormatException">The event has no canonical form.</exception>
    public static byte[] ReferenceHash(JsonElement eventJson, RoomVersion version) => Sha256(Redaction.SignedPart(eventJson, version));

    /// <exception cref="FormatException">The event has no canonical form.</exception>
    public static string EventId(JsonElement eventJson, RoomVersion version) => EventId(ReferenceHash(eventJson, version), version);

    internal static string EventId(ReadOnlySpan<byte> referenceHash, RoomVersion version) => version.EventIdFormat switch
    {
        EventIdFormat.UrlSafeHash => string.Concat("$", Base64Url.EncodeToString(referenceHash)),
        _ => throw new ArgumentOutOfRangeException(nameof(version)),
    };

    internal static byte[] Sha256(ReadOnlySpan<byte> bytes) => HashAlgorithm.Sha256.Hash(bytes);
}
