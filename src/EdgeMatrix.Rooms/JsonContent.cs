using System.Buffers;
using System.Text.Json;

namespace EdgeMatrix.Rooms;

/// <summary>Builds the content of events that the server writes itself.</summary>
public static class JsonContent
{
    /// <summary>An object whose properties <paramref name="write"/> writes.</summary>
    public static JsonElement Object(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    public static JsonElement Of(string name, string value) => Object(json => json.WriteString(name, value));

    /// <summary>The string property, or null where there is none or it is something else.</summary>
    public static string? Text(JsonElement content, string name) =>
        content.ValueKind == JsonValueKind.Object
        && content.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
