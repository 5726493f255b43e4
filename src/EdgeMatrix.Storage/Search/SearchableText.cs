using System.Text.Json;

namespace EdgeMatrix.Storage.Search;

/// <summary>What of an event is found by a search.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3search</remarks>
public static class SearchableText
{
    public const string Message = "m.room.message";
    public const string Name = "m.room.name";
    public const string Topic = "m.room.topic";

    /// <summary>The key that is searched of each type of event, as it is called in a search.</summary>
    public static string? KeyOf(string type) => type switch
    {
        Message => "content.body",
        Name => "content.name",
        Topic => "content.topic",
        _ => null,
    };

    /// <summary>The text of an event; null if it has none. An edit has the text that it puts in the place of the other.</summary>
    public static string? Of(string type, JsonElement content) => type switch
    {
        Message => content.ValueKind == JsonValueKind.Object && content.TryGetProperty("m.new_content", out var edited)
            ? Text(edited, "body") ?? Text(content, "body")
            : Text(content, "body"),
        Name => Text(content, "name"),
        Topic => Text(content, "topic"),
        _ => null,
    };

    /// <param name="json">A whole event.</param>
    internal static string? OfEvent(byte[] json)
    {
        var pdu = JsonElement.Parse(json);
        return Text(pdu, "type") is { } type && pdu.TryGetProperty("content", out var content) ? Of(type, content) : null;
    }

    private static string? Text(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()
            : null;
}
