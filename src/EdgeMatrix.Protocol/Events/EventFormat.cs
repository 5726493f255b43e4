using System.Buffers;
using System.Buffers.Text;
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
        if (TryMakeCanonical(untrustedJson, version, out var canonical, out var notCanonical) is { } unreadable)
        {
            return PduParse.Refuse(unreadable);
        }

        if (CheckFields(canonical, version, out var type, out var chosenEventId) is { } refusal)
        {
            return PduParse.Refuse(refusal);
        }

        if (notCanonical is not null)
        {
            return PduParse.Refuse(notCanonical);
        }

        if (CheckSize(canonical.Length) is { } tooLarge)
        {
            return PduParse.RefuseSize(tooLarge);
        }

        var eventId = version.EventIdFormat == EventIdFormat.Chosen ? chosenEventId! : EventHashes.EventId(canonical, type, version);
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

    public static string? CheckPrevStateEventCount(int count) =>
        count > EventLimits.MaxPrevStateEvents ? $"there are more than {EventLimits.MaxPrevStateEvents} prev_state_events" : null;

    // The event without unsigned. Whether it breaks the strict form is asked last: a depth that is a fraction is no depth first of all.
    private static string? TryMakeCanonical(
        ReadOnlyMemory<byte> json, RoomVersion version, out byte[] canonical, out string? notCanonical)
    {
        canonical = [];
        notCanonical = null;
        if (CanonicalScanner.IsCanonical(json.Span, CanonicalJson.DefaultMaxDepth))
        {
            if (json.Span[0] != (byte)'{')
            {
                return "the event is not an object";
            }

            canonical = CanonicalMembers.CopyOf(json.Span, WithoutUnsigned);
            return null;
        }

        if (!CanonicalJson.TryParse(json, out var root, out var problem))
        {
            return problem;
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            return "the event is not an object";
        }

        var output = new ArrayBufferWriter<byte>(json.Length);
        if (CanonicalWriter.Write(root, WithoutUnsigned, CanonicalForm.Lenient, output) is { } unwritable)
        {
            return unwritable;
        }

        canonical = output.WrittenSpan.ToArray();
        if (version.CanonicalForm == CanonicalForm.Strict)
        {
            output.ResetWrittenCount();
            notCanonical = CanonicalWriter.Write(root, WithoutUnsigned, CanonicalForm.Strict, output);
        }

        return null;
    }

    private static string? CheckFields(ReadOnlySpan<byte> canonical, RoomVersion version, out string type, out string? eventId)
    {
        var fields = EventFields.Read(canonical);
        type = "";
        eventId = JsonText.StringOrNull(fields.EventId);
        if (JsonText.StringOrNull(fields.Type) is not { } typeText)
        {
            return "type is not a string";
        }

        type = typeText;
        if (JsonText.StringOrNull(fields.Sender) is not { } sender)
        {
            return "sender is not a string";
        }

        var stateKey = JsonText.StringOrNull(fields.StateKey);
        if (stateKey is null && !fields.StateKey.IsEmpty)
        {
            return "state_key is not a string";
        }

        var roomId = JsonText.StringOrNull(fields.RoomId);
        if (roomId is null && !fields.RoomId.IsEmpty)
        {
            return "room_id is not a string";
        }

        return CheckType(type)
            ?? CheckSender(sender)
            ?? CheckStateKey(stateKey)
            ?? CheckRoomId(roomId, type, version)
            ?? CheckEventId(eventId, version)
            ?? CheckBody(fields, version)
            ?? (CheckIds(fields.PrevEvents, "prev_events", version, out var prevEvents) ?? CheckPrevEventCount(prevEvents))
            ?? CheckAuthority(fields, version);
    }

    // MSC4242: "auth_events are removed from all events, and replaced with prev_state_events."
    private static string? CheckAuthority(EventFields fields, RoomVersion version)
    {
        if (version.StateSource == StateSource.PrevEvents)
        {
            return CheckIds(fields.AuthEvents, "auth_events", version, out var authEvents) ?? CheckAuthEventCount(authEvents);
        }

        return fields.AuthEvents.IsEmpty
            ? CheckIds(fields.PrevStateEvents, "prev_state_events", version, out var prevState) ?? CheckPrevStateEventCount(prevState)
            : "auth_events are not of this version";
    }

    private static string? CheckBody(EventFields fields, RoomVersion version)
    {
        if (fields.Content is not [(byte)'{', ..])
        {
            return "content is not an object";
        }

        if (!IsInteger(fields.OriginServerTs, out _))
        {
            return "origin_server_ts is not an integer";
        }

        if (!IsInteger(fields.Depth, out var depth))
        {
            return "depth is not an integer";
        }

        if (fields.Hashes is not [(byte)'{', ..] || CanonicalMembers.Find(fields.Hashes, "sha256"u8) is not [(byte)'"', ..])
        {
            return "hashes holds no sha256";
        }

        return AreSignatures(fields.Signatures)
            ? CheckDepth(depth, version)
            : "signatures is not an object of servers, keys and signatures";
    }

    private static bool IsInteger(ReadOnlySpan<byte> value, out long integer) =>
        Utf8Parser.TryParse(value, out integer, out var read) && read == value.Length;

    private static bool AreSignatures(ReadOnlySpan<byte> value)
    {
        if (value is not [(byte)'{', ..])
        {
            return false;
        }

        var servers = new CanonicalMembers(value);
        while (servers.MoveNext())
        {
            if (servers.Value is not [(byte)'{', ..])
            {
                return false;
            }

            var keys = new CanonicalMembers(servers.Value);
            while (keys.MoveNext())
            {
                if (keys.Value is not [(byte)'"', ..])
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static string? CheckIds(ReadOnlySpan<byte> value, string name, RoomVersion version, out int count)
    {
        count = 0;
        if (value is not [(byte)'[', ..])
        {
            return $"{name} is not an array";
        }

        var reader = new Utf8JsonReader(value);
        reader.Read();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            count++;
            if (!EventId.IsValid(ReadId(ref reader, version)))
            {
                return $"{name} holds something that is not an event id";
            }
        }

        return null;
    }

    // "Event IDs and reference hashes": pairs, in versions 1 and 2. The hashes say nothing that the cited event would not.
    private static string? ReadId(ref Utf8JsonReader reader, RoomVersion version)
    {
        if (version.EventIdFormat != EventIdFormat.Chosen)
        {
            return reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        }

        if (reader.TokenType != JsonTokenType.StartArray || !reader.Read() || reader.TokenType != JsonTokenType.String)
        {
            return null;
        }

        var id = reader.GetString();
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return null;
        }

        reader.Skip();
        return reader.Read() && reader.TokenType == JsonTokenType.EndArray ? id : null;
    }
}
