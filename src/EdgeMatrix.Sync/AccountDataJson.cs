using System.Text.Json;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Sync;

/// <summary>Writes account data as events, each of a type and its content.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#client-config</remarks>
public static class AccountDataJson
{
    /// <param name="name">Of the property that has the list.</param>
    public static void Write(Utf8JsonWriter json, ReadOnlySpan<byte> name, IEnumerable<AccountDataRow> rows)
    {
        json.WriteStartArray(name);
        foreach (var row in rows)
        {
            json.WriteStartObject();
            json.WritePropertyName("content"u8);
            json.WriteRawValue(row.Content, skipInputValidation: true);
            json.WriteString("type"u8, row.Type);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
