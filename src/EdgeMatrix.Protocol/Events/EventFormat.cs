using System.Buffers;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Events;

/// <summary>"Is a valid event, otherwise it is dropped": the first check on receipt of a PDU.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu</remarks>
internal static class EventFormat
{
    private static readonly KeyFilter WithoutUnsigned = KeyFilter.AllBut("unsigned");

    public static PduParse Parse(ReadOnlyMemory<byte> untrustedJson, RoomVersion version)
    {
        if (!CanonicalJson.TryParse(untrustedJson, CanonicalJson.DefaultMaxDepth, out var root, out var isCanonical, out var problem))
        {
            return PduParse.Refuse(problem!);
        }

        if (CheckFields(root, version) is { } refusal)
        {
            return PduParse.Refuse(refusal);
        }

        if (TryMakeCanonical(untrustedJson.Span, root, isCanonical, version, out var canonical) is { } notCanonical)
        {
            return PduParse.Refuse(notCanonical);
        }

        if (CheckSize(canonical.Length) is { } tooLarge)
        {
            return PduParse.RefuseSize(tooLarge);
        }

        var eventId = version.EventIdFormat == EventIdFormat.Chosen
            ? root.StringOrNull("event_id"u8)!
            : EventHashes.EventId(canonical, root.StringOrNull("type"u8)!, version);
        return PduParse.Accept(Pdu.FromStored(canonical, version, eventId));
    }

    /// <summary>"The complete event MUST NOT be larger than 65536 bytes."</summary>
    public static string? CheckSize(int canonicalBytes) =>
        canonicalBytes > EventLimits.MaxEventBytes ? $"the event has {canonicalBytes} bytes, more than {EventLimits.MaxEventBytes}" : null;

    public static string? CheckType(string type) =>
        Encoding.UTF8.GetByteCount(type) > EventLimits.MaxFieldBytes ? $"type exceeds {EventLimits.MaxFieldBytes} bytes" : null;

    public static string? CheckStateKey(string? stateKey) =>
        stateKey is not null && Encoding.UTF8.GetByteCount(stateKey) > EventLimits.MaxFieldBytes
            ? $"state_key exceeds {EventLimits.MaxFieldBytes} bytes"
            : null;

    public static string? CheckSender(string sender) => UserId.TryParse(sender, out _) ? null : "sender is not a user id";

    /// <param name="roomId">Null if the event has none.</param>
    public static string? CheckRoomId(string? roomId, string type, RoomVersion version)
    {
        // "Room identifier. Omitted from m.room.create events." Whether one is there all the same, the authorisation rules ask.
        if (version.CreateEventIsRoomId && type == EventTypes.Create)
        {
            return null;
        }

        return RoomId.IsValid(roomId) && RoomId.HasDomain(roomId) != version.CreateEventIsRoomId
            ? null
            : $"room_id is not a room id of version {version.Id}";
    }

    /// <summary>"If the room's depth is already at the limit, the depth must be set to the limit": the limit is in range.</summary>
    public static string? CheckDepth(long depth, RoomVersion version) =>
        depth >= 0 && depth <= version.MaxDepth ? null : $"depth is not between 0 and {version.MaxDepth}";

    /// <summary>"<c>$opaque_id:domain</c>, where domain is the server name of the homeserver".</summary>
    /// <param name="eventId">Null if the event has none, or something else than a string.</param>
    public static string? CheckEventId(string? eventId, RoomVersion version) =>
        version.EventIdFormat != EventIdFormat.Chosen || EventId.TryServerOf(eventId, out _) ? null : "event_id is not an event id with a domain";

    public static string? CheckPrevEventCount(int count) =>
        count > EventLimits.MaxPrevEvents ? $"there are more than {EventLimits.MaxPrevEvents} prev_events" : null;

    public static string? CheckAuthEventCount(int count) =>
        count > EventLimits.MaxAuthEvents ? $"there are more than {EventLimits.MaxAuthEvents} auth_events" : null;

    // The bytes of the event without unsigned, and what is wrong with them.
    private static string? TryMakeCanonical(
        ReadOnlySpan<byte> json, JsonElement root, bool isCanonical, RoomVersion version, out byte[] canonical)
    {
        if (isCanonical)
        {
            canonical = CanonicalMembers.CopyOf(json, WithoutUnsigned);
            return null;
        }

        var output = new ArrayBufferWriter<byte>(json.Length);
        var problem = CanonicalWriter.Write(root, WithoutUnsigned, version.CanonicalForm, output);
        canonical = problem is null ? output.WrittenSpan.ToArray() : [];
        return problem;
    }

    private static string? CheckFields(JsonElement root, RoomVersion version)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return "the event is not an object";
        }

        if (root.StringOrNull("type"u8) is not { } type)
        {
            return "type is not a string";
        }

        if (root.StringOrNull("sender"u8) is not { } sender)
        {
            return "sender is not a string";
        }

        if (root.Find("state_key"u8) is { ValueKind: not JsonValueKind.String })
        {
            return "state_key is not a string";
        }

        if (root.Find("room_id"u8) is { ValueKind: not JsonValueKind.String })
        {
            return "room_id is not a string";
        }

        return CheckType(type)
            ?? CheckSender(sender)
            ?? CheckStateKey(root.StringOrNull("state_key"u8))
            ?? CheckRoomId(root.StringOrNull("room_id"u8), type, version)
            ?? CheckEventId(root.StringOrNull("event_id"u8), version)
            ?? CheckBody(root, version)
            ?? (CheckIds(root, "prev_events"u8, version, out var prevEvents) ?? CheckPrevEventCount(prevEvents))
            ?? (CheckIds(root, "auth_events"u8, version, out var authEvents) ?? CheckAuthEventCount(authEvents));
    }

    private static string? CheckBody(JsonElement root, RoomVersion version)
    {
        if (root.ObjectOrNull("content"u8) is null)
        {
            return "content is not an object";
        }

        if (root.IntegerOrNull("origin_server_ts"u8) is null)
        {
            return "origin_server_ts is not an integer";
        }

        if (root.IntegerOrNull("depth"u8) is not { } depth)
        {
            return "depth is not an integer";
        }

        if (root.ObjectOrNull("hashes"u8)?.StringOrNull("sha256"u8) is null)
        {
            return "hashes holds no sha256";
        }

        if (root.ObjectOrNull("signatures"u8) is not { } signatures || !AreSignatures(signatures))
        {
            return "signatures is not an object of servers, keys and signatures";
        }

        return CheckDepth(depth, version);
    }

    private static bool AreSignatures(JsonElement signatures)
    {
        foreach (var server in signatures.EnumerateObject())
        {
            if (server.Value.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            foreach (var key in server.Value.EnumerateObject())
            {
                if (key.Value.ValueKind != JsonValueKind.String)
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static string? CheckIds(JsonElement root, ReadOnlySpan<byte> name, RoomVersion version, out int count)
    {
        count = 0;
        if (root.ArrayOrNull(name) is not { } ids)
        {
            return $"{Encoding.UTF8.GetString(name)} is not an array";
        }

        count = ids.GetArrayLength();
        foreach (var id in ids.EnumerateArray())
        {
            if (IdOf(id, version) is not { ValueKind: JsonValueKind.String } text || !EventId.IsValid(text.GetString()))
            {
                return $"{Encoding.UTF8.GetString(name)} holds something that is not an event id";
            }
        }

        return null;
    }

    // "Event IDs and reference hashes": pairs, in versions 1 and 2. The hashes say nothing that the cited event would not.
    private static JsonElement? IdOf(JsonElement cited, RoomVersion version)
    {
        if (version.EventIdFormat != EventIdFormat.Chosen)
        {
            return cited;
        }

        return cited.ValueKind == JsonValueKind.Array && cited.GetArrayLength() == 2 && cited[1].ValueKind == JsonValueKind.Object
            ? cited[0]
            : null;
    }
}
