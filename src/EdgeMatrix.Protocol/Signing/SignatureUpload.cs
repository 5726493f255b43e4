using System.Text.Json;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>New signatures on a key that is known: <c>/keys/signatures/upload</c>.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keyssignaturesupload</remarks>
public static class SignatureUpload
{
    /// <summary>
    /// Whether the object is the known key with right signatures of this user, and nothing but such. Who signs what is the caller's to
    /// choose with <paramref name="signerKeys"/>: a self-signing key the user's own devices, a device the user's own master key, a
    /// user-signing key the master keys of others.
    /// </summary>
    /// <param name="uploaded">As <see cref="CanonicalJson.TryParse(ReadOnlyMemory{byte}, out JsonElement, out string?, int)"/> reads it.</param>
    /// <param name="known">The key as it was uploaded or fetched before.</param>
    /// <param name="signer">The user who uploads.</param>
    /// <param name="signerKeys">The public keys that may sign this object, by key id.</param>
    public static KeyVerdict Check(
        JsonElement uploaded, JsonElement known, string signer, IReadOnlyDictionary<string, byte[]> signerKeys)
    {
        // "The signed JSON object must match the key previously uploaded or retrieved for the given key ID, with the exception of the
        // signatures property, which contains the new signature(s) to add."
        if (!SignedJson.TrySignedBytes(uploaded, CanonicalForm.Strict, out var signed)
            || !SignedJson.TrySignedBytes(known, CanonicalForm.Strict, out var expected)
            || !signed.SequenceEqual(expected))
        {
            return new KeyVerdict(KeyFault.Different, "the signed object is not the key that is known");
        }

        var isSigned = false;
        foreach (var keyId in SignedJson.KeyIdsOf(uploaded, signer))
        {
            if (!signerKeys.TryGetValue(keyId, out var signerKey))
            {
                // What the known key had already is no new signature.
                if (SignedJson.TryReadSignature(uploaded, signer, keyId, out var again)
                    && SignedJson.TryReadSignature(known, signer, keyId, out var before)
                    && again.AsSpan().SequenceEqual(before))
                {
                    continue;
                }

                return KeyVerdict.InvalidSignature($"{keyId} is no key that may sign this");
            }

            if (!SignedJson.TryReadSignature(uploaded, signer, keyId, out var signature)
                || !Ed25519.Verify(signerKey, signed, signature))
            {
                return KeyVerdict.InvalidSignature($"the signature of {keyId} is wrong");
            }

            isSigned = true;
        }

        return isSigned ? KeyVerdict.Valid : KeyVerdict.InvalidSignature("the object is not signed by the user");
    }
}
