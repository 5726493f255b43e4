using System.Buffers;
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
    private const int Sha256Bytes = 32;

    private static readonly KeyFilter Hashed = KeyFilter.AllBut("unsigned", "signatures", "hashes");

    /// <summary>The 32 bytes that stand in <c>hashes.sha256</c>.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event</remarks>
    /// <exception cref="FormatException">The event has no canonical form.</exception>
    public static byte[] ContentHash(JsonElement eventJson, RoomVersion version) =>
        Sha256(CanonicalJson.Write(eventJson, Hashed, version.CanonicalForm));

    /// <summary>Whether the event is the one that its hash was made of; if not, only its redacted form may be used.</summary>
    public static bool ContentHashMatches(Pdu candidate)
    {
        var json = candidate.Json.Span;
        Span<byte> claimed = stackalloc byte[Sha256Bytes];
        if (!TryReadClaimed(json, claimed))
        {
            return false;
        }

        var hashed = ArrayPool<byte>.Shared.Rent(json.Length);
        try
        {
            Span<byte> actual = stackalloc byte[Sha256Bytes];
            HashAlgorithm.Sha256.Hash(hashed.AsSpan(0, CanonicalMembers.Copy(json, Hashed, hashed)), actual);
            return actual.SequenceEqual(claimed);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(hashed);
        }
    }

    /// <summary>The 32 bytes that name the event: they outlive redaction.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event</remarks>
    /// <exception cref="FormatException">The event has no canonical form.</exception>
    public static byte[] ReferenceHash(JsonElement eventJson, RoomVersion version) => Sha256(Redaction.SignedPart(eventJson, version));

    /// <summary>The id of an event: what stands in it, or what follows from its hash.</summary>
    /// <exception cref="FormatException">The event has no canonical form, or of versions 1 and 2, no id.</exception>
    public static string EventId(JsonElement eventJson, RoomVersion version) => version.EventIdFormat == EventIdFormat.Chosen
        ? eventJson.StringOrNull("event_id"u8) ?? throw new FormatException("the event has no event_id")
        : EventId(ReferenceHash(eventJson, version), version);

    /// <summary>The id since version 3, which follows from the hash.</summary>
    /// <param name="canonicalEvent">With or without signatures.</param>
    internal static string EventId(ReadOnlySpan<byte> canonicalEvent, string type, RoomVersion version)
    {
        var signed = ArrayPool<byte>.Shared.Rent(canonicalEvent.Length);
        try
        {
            Span<byte> hash = stackalloc byte[Sha256Bytes];
            HashAlgorithm.Sha256.Hash(
                signed.AsSpan(0, Redaction.CopySignedPart(canonicalEvent, type, version, signed)), hash);
            return EventId(hash, version);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(signed);
        }
    }

    internal static string EventId(ReadOnlySpan<byte> referenceHash, RoomVersion version) => version.EventIdFormat switch
    {
        EventIdFormat.Hash => string.Concat("$", UnpaddedBase64.Encode(referenceHash)),
        EventIdFormat.UrlSafeHash => string.Concat("$", Base64Url.EncodeToString(referenceHash)),
        _ => throw new ArgumentOutOfRangeException(nameof(version)),
    };

    /// <summary>The hash that stands beside the id where the event is cited; null since version 3.</summary>
    internal static string? CitedHash(Pdu cited) => cited.Version.EventIdFormat == EventIdFormat.Chosen
        ? UnpaddedBase64.Encode(Sha256(CanonicalMembers.CopyOf(cited.Json.Span, cited.Version.Redaction.SignedPartOf(cited.Type))))
        : null;

    internal static byte[] Sha256(ReadOnlySpan<byte> bytes) => HashAlgorithm.Sha256.Hash(bytes);

    private static bool TryReadClaimed(ReadOnlySpan<byte> canonicalEvent, Span<byte> hash)
    {
        var hashes = CanonicalMembers.Find(canonicalEvent, "hashes"u8);
        var claimed = hashes.IsEmpty ? default : CanonicalMembers.Find(hashes, "sha256"u8);
        return UnpaddedBase64.TryDecodeString(claimed, hash);
    }
}
