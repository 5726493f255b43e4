using System.Net;
using System.Text.Json;

namespace EdgeMatrix.Testing;

/// <param name="Headers">Those of the body among them; their names in any case.</param>
public sealed record TestAnswer(HttpStatusCode Status, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public JsonElement Json => JsonElement.Parse(Body);

    public JsonElement this[string name] => Json.GetProperty(name);

    /// <summary>The status and the <c>errcode</c>, null where the answer has none.</summary>
    public (int Status, string? Code) Error =>
        ((int)Status, Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty("errcode", out var code) ? code.GetString() : null);
}
