using System.Text.Json;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>One of the three keys of a user that sign other keys.</summary>
/// <param name="Usage"><c>master</c>, <c>self_signing</c> or <c>user_signing</c>.</param>
/// <param name="PublicKey">In unpadded Base64, which is what names the key.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#cross-signing</remarks>
public sealed record CrossSigningKey(string UserId, string Usage, string PublicKey)
{
    public const string Master = "master";
    public const string SelfSigning = "self_signing";
    public const string UserSigning = "user_signing";

    /// <summary><c>ed25519:</c> and the public key.</summary>
    public string KeyId => KeyIds.Ed25519Prefix + PublicKey;

    /// <summary>Reads a key that this user uploads for this use. Whether the master key signed it is another question.</summary>
    /// <param name="json">As <see cref="CanonicalJson.TryParse(ReadOnlyMemory{byte}, out JsonElement, out string?, int)"/> reads it.</param>
    /// <param name="key">Null if the verdict is against it.</param>
    public static KeyVerdict Read(JsonElement json, string userId, string usage, out CrossSigningKey? key)
    {
        key = null;
        if (json.StringOrNull("user_id"u8) != userId)
        {
            return KeyVerdict.NotTheOwners("user_id is not the user's own");
        }

        if (json.ArrayOrNull("usage"u8) is not { } usages
            || !usages.EnumerateArray().Any(entry => entry.ValueKind == JsonValueKind.String && entry.ValueEquals(usage)))
        {
            return KeyVerdict.Malformed($"usage does not hold {usage}");
        }

        // "The object must have exactly one property, whose name is in the form <algorithm>:<unpadded_base64_public_key>, and whose value
        // is the unpadded base64 public key."
        if (json.ObjectOrNull("keys"u8) is not { } keys || keys.GetPropertyCount() != 1)
        {
            return KeyVerdict.Malformed("keys does not have exactly one property");
        }

        var only = keys.EnumerateObject().First();
        if (only.Value.ValueKind != JsonValueKind.String
            || only.Value.GetString() is not { } publicKey
            || only.Name != KeyIds.Ed25519Prefix + publicKey
            || !UnpaddedBase64.TryDecode(publicKey, out var bytes)
            || bytes.Length != DeviceKeys.PublicKeyBytes)
        {
            return KeyVerdict.Malformed("keys holds no ed25519 key under its own name");
        }

        key = new CrossSigningKey(userId, usage, publicKey);
        return KeyVerdict.Valid;
    }

    /// <summary>Whether this key signed the object as its user.</summary>
    public bool Signed(JsonElement json) =>
        UnpaddedBase64.TryDecode(PublicKey, out var bytes) && SignedJson.Verify(json, UserId, KeyId, bytes);

    /// <summary>"Optional for the master signing key. Other keys must be signed by the user's master signing key."</summary>
    public static KeyVerdict CheckSignedByMaster(JsonElement json, CrossSigningKey master) =>
        master.Signed(json) ? KeyVerdict.Valid : KeyVerdict.InvalidSignature("the key is not signed by the user's master key");
}
