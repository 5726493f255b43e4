using System.Text.Json;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>The identity keys of a device, as it uploads them and as others fetch them.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#device-keys</remarks>
public static class DeviceKeys
{
    /// <summary>What an Ed25519 and a Curve25519 public key have.</summary>
    public const int PublicKeyBytes = 32;

    /// <summary>Whether the object is the keys of this device, signed by its Ed25519 key.</summary>
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

        if (deviceKeys.ObjectOrNull("keys"u8) is not { } keys || CheckNames(keys, deviceId) is { } wrongName)
        {
            return KeyVerdict.Malformed("keys is not an object of keys by algorithm and device");
        }

        // "The JSON object must include the public part of the device's Ed25519 key, and must be signed by that key."
        if (Ed25519KeyOf(deviceKeys, deviceId) is not { } signingKey)
        {
            return KeyVerdict.Malformed("keys holds no ed25519 key of the device");
        }

        return SignedJson.Verify(deviceKeys, userId, KeyIds.Ed25519Prefix + deviceId, signingKey)
            ? KeyVerdict.Valid
            : KeyVerdict.InvalidSignature("the device keys are not signed by the device");
    }

    /// <summary>The key that the device signs with, 32 bytes; null if the object holds none.</summary>
    public static byte[]? Ed25519KeyOf(JsonElement deviceKeys, string deviceId) =>
        deviceKeys.ObjectOrNull("keys"u8) is { } keys
        && keys.TryGetProperty(KeyIds.Ed25519Prefix + deviceId, out var encoded)
        && encoded.ValueKind == JsonValueKind.String
        && UnpaddedBase64.TryDecode(encoded.GetString(), out var key)
        && key.Length == PublicKeyBytes
            ? key
            : null;

    // "The names of the properties should be in the format <algorithm>:<device_id>."
    private static string? CheckNames(JsonElement keys, string deviceId)
    {
        foreach (var key in keys.EnumerateObject())
        {
            if (key.Value.ValueKind != JsonValueKind.String || !key.Name.EndsWith($":{deviceId}", StringComparison.Ordinal))
            {
                return key.Name;
            }
        }

        return null;
    }
}
