using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.History;

/// <summary>What somebody who is invited or knocks is shown of a room: enough to say what it is.</summary>
/// <param name="Events">With the member event itself at the end.</param>
/// <param name="Told">What another server told of a room that this one is not in: a JSON list of stripped state events; null if there is none.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#stripped-state</remarks>
public sealed record StrippedState(List<StoredEvent> Events, byte[]? Told)
{
    /// <summary>More than these, and more bytes, of what another server tells are left out.</summary>
    private const int MaxTold = 40;
    private const int MaxToldBytes = 128 * 1024;

    private static readonly string[] _types =
    [
        "m.room.create",
        "m.room.name",
        "m.room.avatar",
        "m.room.topic",
        "m.room.join_rules",
        "m.room.canonical_alias",
        "m.room.encryption",
    ];

    /// <summary>What the room is, with who it is that invites, by name and face.</summary>
    /// <param name="row">That of the room.</param>
    /// <param name="member">The invite or knock.</param>
    /// <param name="sender">Of the member event.</param>
    /// <param name="userId">Whom it is about.</param>
    public static StrippedState Of(Session db, RoomRow row, StoredEvent member, string sender, string userId)
    {
        if (ToldStateTable.Find(db, member.Nid) is { } told)
        {
            return new StrippedState([member], told);
        }

        // One that was there when this server came into the room has no state of its own.
        return new StrippedState([.. OfRoom(db, member.State == StateNodes.Empty ? row.State : member.State, sender == userId ? null : sender), member], null);
    }

    /// <summary>What the room is, whoever looks.</summary>
    /// <param name="node">Of the state.</param>
    /// <param name="inviter">Who invites; null if nobody does.</param>
    public static List<StoredEvent> OfRoom(Session db, long node, string? inviter)
    {
        var events = _types.Select(type => RoomStateReader.FindStored(db, node, type, "")).OfType<StoredEvent>().ToList();
        if (inviter is not null && RoomStateReader.FindStored(db, node, "m.room.member", inviter) is { } member)
        {
            events.Add(member);
        }

        return events;
    }

    /// <summary>What another server tells of a room, stripped; what is no state event is left out.</summary>
    /// <param name="events">Whole events, or stripped ones.</param>
    public static byte[] Strip(IEnumerable<JsonElement> events)
    {
        using var bytes = new MemoryStream();
        using var json = new Utf8JsonWriter(bytes);
        json.WriteStartArray();
        foreach (var told in events.Take(MaxTold))
        {
            if (JsonContent.Text(told, "type") is { } type
                && JsonContent.Text(told, "state_key") is { } stateKey
                && JsonContent.Text(told, "sender") is { } sender
                && told.TryGetProperty("content"u8, out var content) && content.ValueKind == JsonValueKind.Object
                && json.BytesCommitted + json.BytesPending + content.GetRawText().Length < MaxToldBytes)
            {
                json.WriteStartObject();
                json.WritePropertyName("content"u8);
                content.WriteTo(json);
                json.WriteString("sender"u8, sender);
                json.WriteString("state_key"u8, stateKey);
                json.WriteString("type"u8, type);
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
        json.Flush();
        return bytes.ToArray();
    }
}
