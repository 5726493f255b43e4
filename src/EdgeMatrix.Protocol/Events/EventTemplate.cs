using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Events;

/// <summary>An event as a server that is in a room proposes it to one that is not, which makes it its own and signs it.</summary>
/// <param name="Draft">What it says; the membership of the user who sends it.</param>
/// <param name="Links">Where in the room it stands.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms</remarks>
public sealed record EventTemplate(RoomVersion Version, string RoomId, EventDraft Draft, EventLinks Links)
{
    // A version that is not named is one of these two, which are alike but for how state is resolved.
    private const string UnnamedVersion = "1";

    /// <summary>Writes the answer that tells the template: an object of <c>room_version</c> and <c>event</c>.</summary>
    /// <param name="origin">The name of the server that proposes it.</param>
    /// <param name="originServerTs">ms since the Unix epoch.</param>
    public void Write(Utf8JsonWriter json, string origin, long originServerTs)
    {
        json.WriteStartObject();
        json.WriteString("room_version"u8, Version.Id);
        json.WriteStartObject("event"u8);
        WriteReferences(json, "auth_events"u8, Links.AuthEvents);
        json.WritePropertyName("content"u8);
        Draft.Content.WriteTo(json);
        json.WriteNumber("depth"u8, Links.Depth);
        json.WriteString("origin"u8, origin);
        json.WriteNumber("origin_server_ts"u8, originServerTs);
        WriteReferences(json, "prev_events"u8, Links.PrevEvents);
        json.WriteString("room_id"u8, RoomId);
        json.WriteString("sender"u8, Draft.Sender);
        json.WriteString("state_key"u8, Draft.StateKey);
        json.WriteString("type"u8, Draft.Type);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Reads such an answer of another server.</summary>
    /// <param name="membership">What was asked for, of <paramref name="userId"/> in <paramref name="roomId"/>.</param>
    /// <param name="problem">Why the answer is not to be used, in words that may go to a user; null if it is.</param>
    public static EventTemplate? Read(JsonElement answer, string roomId, string userId, string membership, out string? problem)
    {
        problem = null;
        var id = answer.StringOrNull("room_version"u8) ?? UnnamedVersion;
        if (RoomVersions.RoomVersions.Find(id) is not { } version)
        {
            problem = $"the room has the version {id}, which is not supported";
            return null;
        }

        if (answer.ObjectOrNull("event"u8) is not { } proposed || proposed.ObjectOrNull("content"u8) is not { } content)
        {
            problem = "the template is no event";
            return null;
        }

        // "the sending server MUST verify that: …"
        if (proposed.StringOrNull("room_id"u8) != roomId
            || proposed.StringOrNull("sender"u8) != userId
            || proposed.StringOrNull("state_key"u8) != userId
            || proposed.StringOrNull("type"u8) != EventTypes.Member
            || content.StringOrNull("membership"u8) != membership)
        {
            problem = "the template is for something else than what was asked for";
            return null;
        }

        if (References(proposed, "prev_events"u8, version) is not { Count: > 0 } prevEvents
            || References(proposed, "auth_events"u8, version) is not { } authEvents
            || proposed.IntegerOrNull("depth"u8) is not { } depth)
        {
            problem = "the template has no place in the room";
            return null;
        }

        return new EventTemplate(
            version, roomId, new EventDraft(EventTypes.Member, userId, userId, content), new EventLinks(prevEvents, authEvents, depth));
    }

    private static void WriteReferences(Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyList<EventReference> references)
    {
        json.WriteStartArray(name);
        foreach (var (eventId, sha256) in references)
        {
            if (sha256 is null)
            {
                json.WriteStringValue(eventId);
                continue;
            }

            json.WriteStartArray();
            json.WriteStringValue(eventId);
            json.WriteStartObject();
            json.WriteString("sha256"u8, sha256);
            json.WriteEndObject();
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    /// <summary>What a list cites; null if it is none of the version.</summary>
    private static List<EventReference>? References(JsonElement proposed, ReadOnlySpan<byte> name, RoomVersion version)
    {
        if (proposed.ArrayOrNull(name) is not { } list || list.GetArrayLength() > EventLimits.MaxPrevEvents)
        {
            return null;
        }

        var references = new List<EventReference>();
        foreach (var cited in list.EnumerateArray())
        {
            if (Reference(cited, version) is not { } reference)
            {
                return null;
            }

            references.Add(reference);
        }

        return references;
    }

    private static EventReference? Reference(JsonElement cited, RoomVersion version)
    {
        if (version.EventIdFormat != EventIdFormat.Chosen)
        {
            return cited.ValueKind == JsonValueKind.String ? new EventReference(cited.GetString()!, null) : null;
        }

        return cited.ValueKind == JsonValueKind.Array
            && cited.GetArrayLength() == 2
            && cited[0].ValueKind == JsonValueKind.String
            && cited[1].StringOrNull("sha256"u8) is { } sha256
                ? new EventReference(cited[0].GetString()!, sha256)
                : null;
    }
}
