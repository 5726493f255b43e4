using System.Text.Json;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Reads members of a body in which each may be absent or null, which is the same.</summary>
internal sealed class AdminBody(JsonElement body)
{
    /// <summary>What was wrong with the first member that could not be read; null: nothing so far.</summary>
    public MatrixError? Error { get; private set; }

    public bool Has(string name) => body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    public bool? Flag(string name) => Member(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => Wrong<bool?>(name, "true or false"),
    };

    public string? Text(string name) => Member(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value => value.GetString(),
        _ => Wrong<string?>(name, "a string"),
    };

    /// <summary>A number of at least 0.</summary>
    public long? Number(string name) => Member(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt64(out var number) && number >= 0 => number,
        _ => Wrong<long?>(name, "an integer of at least 0"),
    };

    public string[]? Texts(string name) => Member(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } value when value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) =>
            [.. value.EnumerateArray().Select(item => item.GetString()!)],
        _ => Wrong<string[]?>(name, "a list of strings"),
    };

    private JsonElement? Member(string name) => Has(name) ? body.GetProperty(name) : null;

    private T? Wrong<T>(string name, string wanted)
    {
        Error ??= MatrixError.InvalidParam($"{name} is not {wanted}");
        return default;
    }
}
