using System.Text;
using System.Text.Json;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Accounts.Encryption;

/// <summary>Lays signatures that came later over a key as it was uploaded.</summary>
internal static class KeySignatures
{
    public static byte[] AddTo(byte[] key, string target, IReadOnlyList<KeySignatureRow> signatures)
    {
        var added = signatures.Where(signature => signature.Target == target).ToLookup(signature => signature.Signer);
        if (added.Count == 0)
        {
            return key;
        }

        var uploaded = JsonElement.Parse(key);
        return Encoding.UTF8.GetBytes(Json.Write(json =>
        {
            json.WriteStartObject();
            foreach (var property in uploaded.EnumerateObject().Where(property => !property.NameEquals("signatures"u8)))
            {
                property.WriteTo(json);
            }

            json.WriteStartObject("signatures"u8);
            var own = uploaded.TryGetProperty("signatures"u8, out var given) && given.ValueKind == JsonValueKind.Object
                ? given.EnumerateObject().ToDictionary(signer => signer.Name, signer => signer.Value)
                : [];
            foreach (var signer in own.Keys.Union(added.Select(signer => signer.Key)))
            {
                json.WriteStartObject(signer);
                WriteSigner(json, own.TryGetValue(signer, out var keys) ? keys : default, added[signer].ToList());
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }));
    }

    private static void WriteSigner(Utf8JsonWriter json, JsonElement own, List<KeySignatureRow> added)
    {
        if (own.ValueKind == JsonValueKind.Object)
        {
            foreach (var key in own.EnumerateObject().Where(key => added.All(signature => signature.KeyId != key.Name)))
            {
                key.WriteTo(json);
            }
        }

        added.ForEach(signature => json.WriteString(signature.KeyId, signature.Signature));
    }
}
