using System.Text.Json;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>The forward extremities of rooms as servers tell them to each other with a transaction, and with the answer to it.</summary>
/// <remarks>
/// By the id of each room an object with the lists <c>timeline</c> and, in rooms whose state has a graph of its own, <c>state</c>. The draft of it
/// (Neutrino's "Forward-extremity reconciliation on federation transactions") has no number yet that could stand before the name; who does not know
/// the name passes over it.
/// </remarks>
public static class ForwardExtremities
{
    /// <summary>So many rooms are told of at once, and listened to: as many as can have an event in a transaction.</summary>
    public const int MaxRooms = IncomingTransactions.MaxPdus;

    /// <summary>So many of a room: as many as an event can follow.</summary>
    public const int MaxOfRoom = 20;

    private const int MaxIdLength = 255;

    /// <summary>Those of a room: what its next event would follow.</summary>
    public static List<string> Of(Session db, RoomRow room) => EventTable.IdsOf(db, room.Extremities.TakeLast(MaxOfRoom));

    /// <summary>Writes the property, if there is anything in it.</summary>
    /// <param name="rooms">By the id of the room, those of it.</param>
    public static void Write(Utf8JsonWriter json, IReadOnlyDictionary<string, List<string>> rooms)
    {
        if (rooms.Count == 0)
        {
            return;
        }

        json.WriteStartObject("forward_extremities"u8);
        foreach (var (roomId, ids) in rooms)
        {
            json.WriteStartObject(roomId);
            json.WriteStartArray("timeline"u8);
            ids.ForEach(json.WriteStringValue);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    /// <summary>What another server told of itself; whatever is no id is passed over, as is what comes beyond the bounds.</summary>
    public static Dictionary<string, List<string>> Read(JsonElement message)
    {
        var rooms = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        if (message.TryGetProperty("forward_extremities"u8, out var told) && told.ValueKind == JsonValueKind.Object)
        {
            foreach (var room in told.EnumerateObject().Take(MaxRooms).Where(room => room.Value.ValueKind == JsonValueKind.Object))
            {
                rooms[room.Name] = [.. Ids(room.Value, "timeline").Concat(Ids(room.Value, "state")).Distinct().Take(MaxOfRoom)];
            }
        }

        return rooms;
    }

    /// <summary>The event ids in a list of an object.</summary>
    public static IEnumerable<string> Ids(JsonElement json, string name) =>
        !json.TryGetProperty(name, out var list) || list.ValueKind != JsonValueKind.Array ? []
        : list.EnumerateArray().Take(MaxOfRoom).Where(id => id.ValueKind == JsonValueKind.String).Select(id => id.GetString()!)
            .Where(id => id is ['$', _, ..] && id.Length <= MaxIdLength);
}
