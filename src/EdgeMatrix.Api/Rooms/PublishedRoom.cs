using System.Text.Json;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Spaces;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Api.Rooms;

/// <summary>An entry of the published room directory: a <c>PublishedRoomsChunk</c>.</summary>
internal sealed class PublishedRoom(Session db, RoomRow row, RoomVersion version)
{
    public RoomRow Row => row;

    public bool Matches(PublicRoomsFilter? filter)
    {
        if (filter?.RoomTypes is { } types && !types.Contains(State("m.room.create", "type")))
        {
            return false;
        }

        return filter?.GenericSearchTerm is not { Length: > 0 } term
            || new[] { State("m.room.name", "name"), State("m.room.topic", "topic"), State("m.room.canonical_alias", "alias") }
                .Any(text => text?.Contains(term, StringComparison.OrdinalIgnoreCase) == true);
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        WriteFields(json);
        json.WriteEndObject();
    }

    /// <summary>The properties of a <c>RoomSummary</c>, into the object that is open.</summary>
    public void WriteSummary(Utf8JsonWriter json)
    {
        WriteFields(json);
        var joinRules = RoomStateReader.Find(db, version, row.State, "m.room.join_rules", "")?.Content ?? default;
        if (RoomAccess.AllowedRooms(joinRules) is { Count: > 0 } allowed)
        {
            json.WriteStartArray("allowed_room_ids"u8);
            allowed.ForEach(json.WriteStringValue);
            json.WriteEndArray();
        }

        WriteText(json, "encryption", State("m.room.encryption", "algorithm"));
        json.WriteString("room_version"u8, version.Id);
    }

    /// <summary>A room of a space: its summary, and its children as stripped state events with an added <c>origin_server_ts</c>.</summary>
    public static void WriteOfSpace(Utf8JsonWriter json, Session db, SpaceRoom room)
    {
        json.WriteStartObject();
        new PublishedRoom(db, room.Row, room.Version).WriteSummary(json);
        WriteChildren(json, room.Children);
        json.WriteEndObject();
    }

    /// <summary>The same of a room that another server told of: what of it is as specified.</summary>
    public static void WriteOfSpace(Utf8JsonWriter json, ToldSpaceRoom room)
    {
        json.WriteStartObject();
        foreach (var field in room.Summary.EnumerateObject())
        {
            var isSpecified = field.Name switch
            {
                "room_id" or "avatar_url" or "canonical_alias" or "join_rule" or "name" or "room_type" or "topic" or "encryption" or "room_version" =>
                    field.Value.ValueKind == JsonValueKind.String,
                "guest_can_join" or "world_readable" => field.Value.ValueKind is JsonValueKind.True or JsonValueKind.False,
                "num_joined_members" => field.Value.ValueKind == JsonValueKind.Number && field.Value.TryGetInt64(out _),
                "allowed_room_ids" => field.Value.ValueKind == JsonValueKind.Array
                    && field.Value.EnumerateArray().All(id => id.ValueKind == JsonValueKind.String),
                _ => false,
            };
            if (isSpecified)
            {
                field.WriteTo(json);
            }
        }

        WriteChildren(json, room.Children ?? []);
        json.WriteEndObject();
    }

    private static void WriteChildren(Utf8JsonWriter json, List<SpaceChild> children)
    {
        json.WriteStartArray("children_state"u8);
        foreach (var child in children)
        {
            json.WriteStartObject();
            json.WritePropertyName("content"u8);
            child.Content.WriteTo(json);
            json.WriteNumber("origin_server_ts"u8, child.OriginServerTs);
            json.WriteString("sender"u8, child.Sender);
            json.WriteString("state_key"u8, child.RoomId);
            json.WriteString("type"u8, "m.space.child"u8);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteFields(Utf8JsonWriter json)
    {
        WriteText(json, "avatar_url", State("m.room.avatar", "url"));
        WriteText(json, "canonical_alias", State("m.room.canonical_alias", "alias"));
        json.WriteBoolean("guest_can_join"u8, State("m.room.guest_access", "guest_access") == "can_join");
        WriteText(json, "join_rule", State("m.room.join_rules", "join_rule"));
        WriteText(json, "name", State("m.room.name", "name"));
        json.WriteNumber("num_joined_members"u8, row.Joined);
        json.WriteString("room_id"u8, row.RoomId);
        WriteText(json, "room_type", State("m.room.create", "type"));
        WriteText(json, "topic", State("m.room.topic", "topic"));
        json.WriteBoolean("world_readable"u8, State("m.room.history_visibility", "history_visibility") == "world_readable");
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            json.WriteString(name, value);
        }
    }

    private string? State(string type, string field) =>
        RoomStateReader.Find(db, version, row.State, type, "") is { } pdu ? JsonContent.Text(pdu.Content, field) : null;
}
