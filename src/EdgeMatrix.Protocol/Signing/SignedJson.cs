using System.Buffers;
using System.Text.Json;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>Signatures of servers over JSON objects, kept in the object's own <c>signatures</c>.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#signing-json</remarks>
public static class SignedJson
{
    private static readonly KeyFilter Signed = KeyFilter.AllBut("signatures", "unsigned");

    /// <summary>The object in canonical JSON with one more signature; those it had, and <c>unsigned</c>, stay.</summary>
    /// <exception cref="FormatException">The object has no canonical form.</exception>
    public static byte[] Sign(JsonElement value, string signer, SigningKey key) =>
        AddSignature(value, signer, key.KeyId, key.Sign(SignedBytes(value)), CanonicalForm.Strict);

    /// <summary>Whether the object holds a right signature of this signer under this key id.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#checking-for-a-signature</remarks>
    public static bool Verify(JsonElement value, string signer, string keyId, ReadOnlySpan<byte> publicKey) =>
        TryReadSignature(value, signer, keyId, out var signature)
        && TrySignedBytes(value, CanonicalForm.Strict, out var signed)
        && Ed25519.Verify(publicKey, signed, signature);

    /// <summary>The key ids that a signer signed the object with.</summary>
    public static IEnumerable<string> KeyIdsOf(JsonElement value, string signer) =>
        value.ObjectOrNull("signatures"u8) is { } signatures
        && signatures.TryGetProperty(signer, out var keys)
        && keys.ValueKind == JsonValueKind.Object
            ? keys.EnumerateObject().Select(static key => key.Name)
            : [];

    internal static bool TryReadSignature(JsonElement value, string signer, string keyId, out byte[] signature)
    {
        signature = [];
        if (!KeyIds.IsEd25519(keyId)
            || value.ObjectOrNull("signatures"u8) is not { } signatures
            || !signatures.TryGetProperty(signer, out var keys)
            || keys.ValueKind != JsonValueKind.Object
            || !keys.TryGetProperty(keyId, out var encoded)
            || encoded.ValueKind != JsonValueKind.String
            || !UnpaddedBase64.TryDecode(encoded.GetString(), out var decoded))
        {
            return false;
        }

        signature = decoded;
        return true;
    }

    /// <summary>The canonical JSON of the object without <c>signatures</c> and <c>unsigned</c>.</summary>
    internal static bool TrySignedBytes(JsonElement value, CanonicalForm form, out ReadOnlySpan<byte> signed)
    {
        var output = new ArrayBufferWriter<byte>();
        var problem = CanonicalWriter.Write(value, Signed, form, output);
        signed = output.WrittenSpan;
        return problem is null;
    }

    internal static byte[] AddSignature(
        JsonElement value, string signer, string keyId, ReadOnlySpan<byte> signature, CanonicalForm form)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartObject();
            foreach (var property in value.EnumerateObject())
            {
                if (!property.NameEquals("signatures"u8))
                {
                    property.WriteTo(writer);
                }
            }

            writer.WriteStartObject("signatures"u8);
            WriteOtherSigners(value, signer, writer);
            writer.WriteStartObject(signer);
            WriteOtherKeys(value, signer, keyId, writer);
            writer.WriteString(keyId, UnpaddedBase64.Encode(signature));
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return CanonicalJson.Write(JsonElement.Parse(output.WrittenSpan), KeyFilter.Everything, form);
    }

    private static byte[] SignedBytes(JsonElement value) => CanonicalJson.Write(value, Signed, CanonicalForm.Strict);

    private static void WriteOtherSigners(JsonElement value, string signer, Utf8JsonWriter writer)
    {
        if (value.ObjectOrNull("signatures"u8) is { } signatures)
        {
            foreach (var other in signatures.EnumerateObject())
            {
                if (!other.NameEquals(signer))
                {
                    other.WriteTo(writer);
                }
            }
        }
    }

    private static void WriteOtherKeys(JsonElement value, string signer, string keyId, Utf8JsonWriter writer)
    {
        if (value.ObjectOrNull("signatures"u8) is { } signatures
            && signatures.TryGetProperty(signer, out var keys)
            && keys.ValueKind == JsonValueKind.Object)
        {
            foreach (var other in keys.EnumerateObject())
            {
                if (!other.NameEquals(keyId))
                {
                    other.WriteTo(writer);
                }
            }
        }
    }
}
