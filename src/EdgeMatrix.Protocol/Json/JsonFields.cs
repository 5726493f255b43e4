using System.Text.Json;

namespace EdgeMatrix.Protocol.Json;

/// <summary>Reads a field of an object that other people wrote: null when it is absent or of another type.</summary>
public static class JsonFields
{
    public static string? StringOrNull(this JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.Find(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    public static JsonElement? ObjectOrNull(this JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.Find(name) is { ValueKind: JsonValueKind.Object } value ? value : null;

    public static JsonElement? ArrayOrNull(this JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.Find(name) is { ValueKind: JsonValueKind.Array } value ? value : null;

    public static long? IntegerOrNull(this JsonElement parent, ReadOnlySpan<byte> name) => parent.Find(name)?.AsInteger();

    /// <summary>The value as an integer: null for a fraction, and for anything that is no number.</summary>
    public static long? AsInteger(this JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var integer) ? integer : null;

    public static JsonElement? Find(this JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) ? value : null;
}
