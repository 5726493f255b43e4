using System.Text.Json;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>One-time and fallback keys of a device.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#one-time-and-fallback-keys</remarks>
public static class OneTimeKeys
{
    private const string SignedCurve25519 = "signed_curve25519";

    /// <summary>
    /// Whether a key may be taken of this device. "The format of the key is determined by the key algorithm": of one that we do not
    /// know, a string or an object is taken as it is.
    /// </summary>
    /// <param name="keyName"><c>algorithm:key_id</c>.</param>
    /// <param name="key">As <see cref="CanonicalJson.TryParse(ReadOnlyMemory{byte}, out JsonElement, out string?, int)"/> reads it.</param>
    /// <param name="signingKey">The device's own, as <see cref="DeviceKeys.Ed25519KeyOf"/> has it.</param>
    public static KeyVerdict Check(string keyName, JsonElement key, string userId, string deviceId, ReadOnlySpan<byte> signingKey)
    {
        var colon = keyName.IndexOf(':');
        if (colon <= 0 || colon == keyName.Length - 1)
        {
            return KeyVerdict.Malformed($"{keyName} is not an algorithm and a key id");
        }

        return keyName[..colon] switch
        {
            SignedCurve25519 => CheckSigned(key, userId, deviceId, signingKey),
            _ when key.ValueKind is JsonValueKind.String or JsonValueKind.Object => KeyVerdict.Valid,
            _ => KeyVerdict.Malformed($"{keyName} is neither a string nor an object"),
        };
    }

    private static KeyVerdict CheckSigned(JsonElement key, string userId, string deviceId, ReadOnlySpan<byte> signingKey)
    {
        // "Required. The unpadded Base64-encoded 32-byte Curve25519 public key."
        if (!UnpaddedBase64.TryDecode(key.StringOrNull("key"u8), out var curve25519) || curve25519.Length != DeviceKeys.PublicKeyBytes)
        {
            return KeyVerdict.Malformed("key is not a Curve25519 public key");
        }

        if (key.Find("fallback"u8) is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) })
        {
            return KeyVerdict.Malformed("fallback is not a boolean");
        }

        // "Devices use signed_curve25519 one-time keys, signed by the device's Ed25519 key."
        return SignedJson.Verify(key, userId, KeyIds.Ed25519Prefix + deviceId, signingKey)
            ? KeyVerdict.Valid
            : KeyVerdict.InvalidSignature("the key is not signed by the device");
    }
}
