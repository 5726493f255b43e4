using System.Buffers;
using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>Signatures over events: they cover the redacted form, so that redaction leaves them right.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events</remarks>
public static class EventSignatures
{
    // A server has one key, or two while it changes them. Whoever makes more of them right than this gains nothing.
    private const int MaxRightSignatures = 8;

    /// <summary>Whether the servers that must have signed the event did: see <see cref="EventAuth.RequiredSigners"/>.</summary>
    public static SignatureVerdict Check(Pdu candidate, KeyLookup keys)
    {
        var signed = ArrayPool<byte>.Shared.Rent(candidate.Json.Length);
        try
        {
            var length = Redaction.CopySignedPart(candidate.Json.Span, candidate.Type, candidate.Version, signed);
            foreach (var signer in EventAuth.RequiredSigners(candidate))
            {
                var verdict = CheckSigner(candidate, signer, signed.AsSpan(0, length), keys);
                if (!verdict.IsValid)
                {
                    return verdict;
                }
            }

            return SignatureVerdict.Valid;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(signed);
        }
    }

    /// <summary>Whether the event holds a right signature of this server under this key id.</summary>
    public static bool Verify(Pdu candidate, string signer, string keyId, ReadOnlySpan<byte> publicKey)
    {
        Span<byte> signature = stackalloc byte[Ed25519.SignatureBytes];
        if (!KeyIds.IsEd25519(keyId) || !TryRead(candidate, signer, keyId, signature))
        {
            return false;
        }

        var signed = ArrayPool<byte>.Shared.Rent(candidate.Json.Length);
        try
        {
            var length = Redaction.CopySignedPart(candidate.Json.Span, candidate.Type, candidate.Version, signed);
            return Ed25519.Verify(publicKey, signed.AsSpan(0, length), signature);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(signed);
        }
    }

    /// <inheritdoc cref="Verify(Pdu, string, string, ReadOnlySpan{byte})"/>
    /// <exception cref="FormatException">The event has no canonical form.</exception>
    public static bool Verify(JsonElement eventJson, RoomVersion version, string signer, string keyId, ReadOnlySpan<byte> publicKey) =>
        SignedJson.TryReadSignature(eventJson, signer, keyId, out var signature)
        && Ed25519.Verify(publicKey, Redaction.SignedPart(eventJson, version), signature);

    /// <summary>The key ids that a server signed the event with.</summary>
    public static IReadOnlyList<string> KeyIdsOf(Pdu candidate, string signer)
    {
        var keyIds = new List<string>();
        var signatures = Of(candidate, signer);
        while (signatures.MoveNext())
        {
            keyIds.Add(signatures.UnescapedName);
        }

        return keyIds;
    }

    /// <summary>The same event with one more signature: of the server that an invite goes to, or that lets a restricted join in.</summary>
    public static Pdu Add(Pdu original, string signer, SigningKey key)
    {
        var root = original.ParseJson();
        var signature = key.Sign(Redaction.SignedPart(root, original.Version));
        var json = SignedJson.AddSignature(root, signer, key.KeyId, signature, original.Version.CanonicalForm);
        return Pdu.FromStored(json, original.Version, original.EventId);
    }

    /// <summary>As above, with a signature that the signer made.</summary>
    public static Pdu Add(Pdu original, string signer, string keyId, ReadOnlySpan<byte> signature)
    {
        var json = SignedJson.AddSignature(original.ParseJson(), signer, keyId, signature, original.Version.CanonicalForm);
        return Pdu.FromStored(json, original.Version, original.EventId);
    }

    /// <summary>The same event with the signatures that a server gave it in a copy of its own.</summary>
    /// <param name="copy">As that server sent it back; nothing else is taken from it.</param>
    /// <returns>The event as it was, if the server gave it none.</returns>
    public static Pdu AddFrom(Pdu original, Pdu copy, string signer)
    {
        var signed = original;
        var signature = new byte[Ed25519.SignatureBytes];
        foreach (var keyId in KeyIdsOf(copy, signer).Where(KeyIds.IsEd25519).Take(MaxRightSignatures))
        {
            if (TryRead(copy, signer, keyId, signature))
            {
                var json = SignedJson.AddSignature(signed.ParseJson(), signer, keyId, signature, original.Version.CanonicalForm);
                signed = Pdu.FromStored(json, original.Version, original.EventId);
            }
        }

        return signed;
    }

    /// <summary>The signatures of one server by key id, where they stand in the event; none if it did not sign.</summary>
    internal static CanonicalMembers Of(Pdu candidate, string signer)
    {
        var signers = new CanonicalMembers(CanonicalMembers.Find(candidate.Json.Span, "signatures"u8));
        while (signers.MoveNext())
        {
            if (signers.IsNamed(signer))
            {
                return new CanonicalMembers(signers.Value);
            }
        }

        return new CanonicalMembers("{}"u8);
    }

    private static SignatureVerdict CheckSigner(Pdu candidate, string signer, ReadOnlySpan<byte> signed, KeyLookup keys)
    {
        // "If there are no signing key identifiers left then the check fails."
        var verdict = new SignatureVerdict(SignatureStatus.NotSigned, signer, null);
        var right = 0;
        Span<byte> signature = stackalloc byte[Ed25519.SignatureBytes];
        var signatures = Of(candidate, signer);
        while (right < MaxRightSignatures && signatures.MoveNext())
        {
            // "Removes any signing key identifiers from the entry with algorithms it doesn't understand."
            var keyId = signatures.UnescapedName;
            if (!KeyIds.IsEd25519(keyId))
            {
                continue;
            }

            // "If a signature is from an unknown or expired key, it is skipped." Where all are, one that can still be fetched is named.
            if (keys(signer, keyId) is not { } key)
            {
                verdict = new SignatureVerdict(SignatureStatus.MissingKey, signer, keyId);
            }
            else if (!key.MaySign(candidate.OriginServerTs, candidate.Version.EnforcesKeyValidity))
            {
                verdict = verdict.Status == SignatureStatus.NotSigned
                    ? new SignatureVerdict(SignatureStatus.ExpiredKey, signer, keyId)
                    : verdict;
            }
            else if (!UnpaddedBase64.TryDecodeString(signatures.Value, signature) || !key.Verify(signed, signature))
            {
                // "If all signatures from known unexpired keys from the originating server(s) are found to be valid": one is not.
                return new SignatureVerdict(SignatureStatus.WrongSignature, signer, keyId);
            }
            else
            {
                right++;
            }
        }

        return right > 0 ? SignatureVerdict.Valid : verdict;
    }

    private static bool TryRead(Pdu candidate, string signer, string keyId, Span<byte> signature)
    {
        var signatures = Of(candidate, signer);
        while (signatures.MoveNext())
        {
            if (signatures.IsNamed(keyId))
            {
                return UnpaddedBase64.TryDecodeString(signatures.Value, signature);
            }
        }

        return false;
    }
}
