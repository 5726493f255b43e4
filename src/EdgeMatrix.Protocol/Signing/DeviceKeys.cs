using System.Text.Json;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>The identity keys of a device, as it uploads them and as others fetch them.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#device-keys</remarks>
public static class DeviceKeys
{
    /// <summary>What an Ed25519 and a Curve25519 public key have.</summary>
    public const int PublicKeyBytes = 32;

    /// <summary>
    /// Whether the object is the keys of this device, and its signature, if its Ed25519 key signed it, is right. One that is not signed, or with a key
    /// of a kind that we do not know, is taken as it is: "the JSON object must be signed by that key", but that it is, those check who encrypt
    /// for the device, and trust no server.
    /// </summary>
    /// <param name="deviceKeys">As <see cref="CanonicalJson.TryParse(ReadOnlyMemory{byte}, out JsonElement, out string?, int)"/> reads it.</param>
    public static KeyVerdict Check(JsonElement deviceKeys, string userId, string deviceId)
    {
        // "Must match the user ID used when logging in." "Must match the device ID used when logging in."
        if (deviceKeys.StringOrNull("user_id"u8) != userId)
        {
            return KeyVerdict.NotTheOwners("user_id is not the user's own");
        }

        if (deviceKeys.StringOrNull("device_id"u8) != deviceId)
        {
            return KeyVerdict.NotTheOwners("device_id is not the device's own");
        }

        if (deviceKeys.ArrayOrNull("algorithms"u8) is not { } algorithms
            || algorithms.EnumerateArray().Any(static algorithm => algorithm.ValueKind != JsonValueKind.String))
        {
            return KeyVerdict.Malformed("algorithms is not an array of strings");
        }

        // "The names of the properties should be in the format <algorithm>:<device_id>": what has another is for nobody.
        if (deviceKeys.ObjectOrNull("keys"u8) is not { } keys || keys.EnumerateObject().Any(static key => key.Value.ValueKind != JsonValueKind.String))
        {
            return KeyVerdict.Malformed("keys is not an object of strings");
        }

        if (deviceKeys.ObjectOrNull("signatures"u8) is null)
        {
            return KeyVerdict.Malformed("signatures is not an object");
        }

        var keyId = KeyIds.Ed25519Prefix + deviceId;
        return Ed25519KeyOf(deviceKeys, deviceId) is not { } signingKey
            || !SignedJson.KeyIdsOf(deviceKeys, userId).Contains(keyId)
            || SignedJson.Verify(deviceKeys, userId, keyId, signingKey)
            ? KeyVerdict.Valid
            : KeyVerdict.InvalidSignature($"the signature of {keyId} is wrong");
    }

    /// <summary>Whether two are of one identity of the device: whether it signs with the same key.</summary>
    public static bool AreOfOne(JsonElement one, JsonElement other, string deviceId) => Identity(one, deviceId) == Identity(other, deviceId);

    /// <summary>The key that the device signs with, 32 bytes; null if the object holds none.</summary>
    public static byte[]? Ed25519KeyOf(JsonElement deviceKeys, string deviceId) =>
        deviceKeys.ObjectOrNull("keys"u8) is { } keys
        && keys.TryGetProperty(KeyIds.Ed25519Prefix + deviceId, out var encoded)
        && encoded.ValueKind == JsonValueKind.String
        && UnpaddedBase64.TryDecode(encoded.GetString(), out var key)
        && key.Length == PublicKeyBytes
            ? key
            : null;

    // Where no key is known to sign, all of them are what the device is.
    private static string? Identity(JsonElement deviceKeys, string deviceId) =>
        deviceKeys.ObjectOrNull("keys"u8) is not { } keys ? null
        : keys.TryGetProperty(KeyIds.Ed25519Prefix + deviceId, out var key) ? key.GetString()
        : keys.GetRawText();
}
