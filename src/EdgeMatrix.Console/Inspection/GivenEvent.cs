using System.Buffers;
using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Console.Inspection;

/// <summary>
/// Reads an event as exports and TARDIS have it: with the <c>event_id</c> that it is known by, which is believed, and perhaps without the
/// hashes and signatures that servers demand. For looking at only.
/// </summary>
internal static class GivenEvent
{
    /// <summary>Null, and why, where the JSON is no event at all.</summary>
    public static Pdu? Read(JsonElement json, RoomVersion version, out string? problem)
    {
        problem = null;
        if (StringOf(json, "event_id") is not { } eventId || !EventId.IsValid(eventId))
        {
            problem = "an event has no event_id";
            return null;
        }

        problem = !IsUserId(StringOf(json, "sender")) ? $"{eventId} has no sender that is a user id"
            : StringOf(json, "type") is not { } type ? $"{eventId} has no type"
            : !json.TryGetProperty("content", out var content) || content.ValueKind != JsonValueKind.Object ? $"{eventId} has no content"
            : !IsListOrAbsent(json, "prev_events") || !IsListOrAbsent(json, "auth_events") ? $"{eventId} has prev_events or auth_events that are no list"
            : !IsCreateOfItsRoom(type, version) && !RoomId.IsValid(StringOf(json, "room_id")) ? $"{eventId} has no room_id"
            : null;
        if (problem is not null)
        {
            return null;
        }

        try
        {
            var pdu = Pdu.FromStored(Bytes(json, version), version, eventId);
            problem = pdu.PrevEvents.Concat(pdu.AuthEvents).All(EventId.IsValid) ? null : $"{eventId} cites something that is not an event id";
            return problem is null ? pdu : null;
        }
        catch (FormatException failure)
        {
            problem = $"{eventId} cannot be read: {failure.Message}";
            return null;
        }
    }

    /// <summary>The room version that a create event names; null if it names none.</summary>
    public static string? VersionNamedBy(JsonElement create) =>
        create.ValueKind == JsonValueKind.Object && create.TryGetProperty("content", out var content) ? StringOf(content, "room_version") : null;

    public static string? StringOf(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static bool IsUserId(string? text) => UserId.TryParse(text, out _);

    private static bool IsListOrAbsent(JsonElement json, string name) =>
        !json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Array;

    private static bool IsCreateOfItsRoom(string? type, RoomVersion version) => version.CreateEventIsRoomId && type == EventTypes.Create;

    // A Pdu reads canonical JSON alone, which no export need have.
    private static byte[] Bytes(JsonElement json, RoomVersion version)
    {
        var output = new ArrayBufferWriter<byte>();
        var isCreate = IsCreateOfItsRoom(StringOf(json, "type"), version);
        return CanonicalJson.TryWrite(isCreate ? WithoutRoomId(json) : json, CanonicalForm.Lenient, output, out var problem)
            ? output.WrittenSpan.ToArray()
            : throw new FormatException(problem);
    }

    // TARDIS gives every event a room_id; a create event whose hash is that id must have none.
    private static JsonElement WithoutRoomId(JsonElement json)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartObject();
            foreach (var property in json.EnumerateObject())
            {
                if (!property.NameEquals("room_id"))
                {
                    property.WriteTo(writer);
                }
            }

            writer.WriteEndObject();
        }

        return JsonElement.Parse(output.WrittenSpan);
    }
}
