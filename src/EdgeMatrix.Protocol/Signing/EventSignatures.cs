using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>Signatures over events: they cover the redacted form, so that redaction leaves them right.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events</remarks>
public static class EventSignatures
{
    /// <summary>Whether the event holds a right signature of this server under this key id.</summary>
    public static bool Verify(Pdu candidate, string signer, string keyId, ReadOnlySpan<byte> publicKey) =>
        Verify(candidate.ParseJson(), candidate.Version, signer, keyId, publicKey);

    /// <inheritdoc cref="Verify(Pdu, string, string, ReadOnlySpan{byte})"/>
    /// <exception cref="FormatException">The event has no canonical form.</exception>
    public static bool Verify(JsonElement eventJson, RoomVersion version, string signer, string keyId, ReadOnlySpan<byte> publicKey) =>
        SignedJson.TryReadSignature(eventJson, signer, keyId, out var signature)
        && Ed25519.Verify(publicKey, Redaction.SignedPart(eventJson, version), signature);

    /// <summary>The key ids that a server signed the event with.</summary>
    public static IReadOnlyList<string> KeyIdsOf(Pdu candidate, string signer) => [.. SignedJson.KeyIdsOf(candidate.ParseJson(), signer)];

    /// <summary>The same event with one more signature: of the server that an invite goes to, or that lets a restricted join in.</summary>
    public static Pdu Add(Pdu original, string signer, SigningKey key)
    {
        var root = original.ParseJson();
        var signature = key.Sign(Redaction.SignedPart(root, original.Version));
        var json = SignedJson.AddSignature(root, signer, key.KeyId, signature, original.Version.CanonicalForm);
        return Pdu.FromStored(json, original.Version, original.EventId);
    }
}
