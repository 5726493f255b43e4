using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace EdgeMatrix.Console.Inspection.Tardis;

/// <summary>What TARDIS sends: <c>{type, id, data}</c>.</summary>
internal readonly record struct TardisMessage(string Type, string Id, JsonElement Data)
{
    public const string GetEvent = "get_event";
    public const string ResolveState = "resolve_state";

    /// <summary>Null where it is no such message.</summary>
    public static TardisMessage? Parse(ReadOnlyMemory<byte> utf8)
    {
        JsonElement json;
        try
        {
            json = JsonElement.Parse(utf8.Span);
        }
        catch (JsonException)
        {
            return null;
        }

        return GivenEvent.StringOf(json, "type") is { } type && GivenEvent.StringOf(json, "id") is { } id
            && json.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object
            ? new TardisMessage(type, id, data)
            : null;
    }

    public static byte[] AskForEvent(string id, string eventId) => Write(GetEvent, id, null, writer => writer.WriteString("event_id"u8, eventId));

    /// <param name="error">Why the event is not allowed at that point; empty if it is.</param>
    public static byte[] Resolved(string id, IReadOnlyDictionary<(string Type, string StateKey), string> state, string error) =>
        Write(ResolveState, id, null, writer => WriteResult(writer, state, error));

    /// <summary>TARDIS shows an error only beside a result, so there is an empty one.</summary>
    public static byte[] Failed(string id, string error) =>
        Write(ResolveState, id, error, writer => WriteResult(writer, new Dictionary<(string Type, string StateKey), string>(), error));

    private static void WriteResult(Utf8JsonWriter writer, IReadOnlyDictionary<(string Type, string StateKey), string> state, string error)
    {
        writer.WriteStartObject("result"u8);
        foreach (var ((type, stateKey), eventId) in state)
        {
            writer.WriteString(TardisStateKey.Write(type, stateKey), eventId);
        }

        writer.WriteEndObject();
        writer.WriteString("error"u8, error);
    }

    private static byte[] Write(string type, string id, string? error, Action<Utf8JsonWriter> writeData)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, type);
            writer.WriteString("id"u8, id);
            if (error is not null)
            {
                writer.WriteString("error"u8, error);
            }

            writer.WriteStartObject("data"u8);
            writeData(writer);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }
}

/// <summary>A type and a state key as TARDIS joins them to one key: <c>["m.room.member","@alice:test"]</c>, a string of JSON.</summary>
internal static class TardisStateKey
{
    public static string Write(string type, string stateKey)
    {
        var encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        return $"[\"{JsonEncodedText.Encode(type, encoder)}\",\"{JsonEncodedText.Encode(stateKey, encoder)}\"]";
    }

    public static (string Type, string StateKey)? Read(string key)
    {
        try
        {
            var pair = JsonElement.Parse(key);
            return pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2
                && pair[0].ValueKind == JsonValueKind.String && pair[1].ValueKind == JsonValueKind.String
                ? (pair[0].GetString()!, pair[1].GetString()!)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
