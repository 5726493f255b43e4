using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Relations;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.History;

/// <summary>Writes events as clients see them.</summary>
/// <param name="device">Nid of the asking device, which alone is told its transaction ids.</param>
/// <param name="now">ms since the Unix epoch, for <c>age</c>.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#room-event-format</remarks>
public sealed class ClientEventWriter(Session db, Room room, long device, long now)
{
    /// <summary>What is bundled with the events; null: nothing.</summary>
    public BundledRelations? Relations { get; set; }

    /// <summary>What the asking user may see: events of erased users are redacted for those who came later. Null: nobody's view.</summary>
    public RoomVisibility? Visibility { get; set; }

    /// <summary>Of an invite, what the room is, for one who is told nothing else of it; null to leave it out.</summary>
    public StrippedState? InviteRoomState { get; set; }

    /// <summary>Whether the sender is told as <c>user_id</c> too, as clients had it before r0 that still call endpoints of then.</summary>
    public bool NamesUser { get; set; }

    /// <summary>Writes one event.</summary>
    /// <param name="withRoomId">False in <c>/sync</c>, where the room is named above the event.</param>
    /// <param name="membership">The asking user's membership at the event, for <c>unsigned.membership</c>; null to leave it out.</param>
    public void Write(Utf8JsonWriter json, StoredEvent stored, bool withRoomId, Membership? membership = null) =>
        Write(json, stored, Shown(stored), withRoomId, membership);

    /// <summary>As <see cref="Write"/>, in the form that a redaction would leave.</summary>
    public void WriteRedacted(Utf8JsonWriter json, StoredEvent stored, bool withRoomId, Membership? membership) =>
        Write(json, stored, Redaction.RedactPdu(stored.Parse(room.Version)), withRoomId, membership);

    /// <summary>A list of stripped state events: what outsiders who are invited or knock are told.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#stripped-state</remarks>
    public void WriteStripped(Utf8JsonWriter json, StrippedState state)
    {
        json.WriteStartArray();
        if (state.Told is { } told)
        {
            foreach (var stripped in JsonElement.Parse(told).EnumerateArray())
            {
                stripped.WriteTo(json);
            }
        }

        state.Events.ForEach(stored => WriteStripped(json, stored));
        json.WriteEndArray();
    }

    private void WriteStripped(Utf8JsonWriter json, StoredEvent stored)
    {
        var pdu = Shown(stored);
        json.WriteStartObject();
        json.WritePropertyName("content"u8);
        json.WriteRawValue(pdu.ContentJson, skipInputValidation: true);
        json.WriteString("sender"u8, pdu.Sender);
        json.WriteString("state_key"u8, pdu.StateKey);
        json.WriteString("type"u8, pdu.Type);
        json.WriteEndObject();
    }

    /// <summary>The event as the asking user may see it.</summary>
    public Pdu Shown(StoredEvent stored)
    {
        var pdu = stored.Parse(room.Version);
        return Visibility?.IsErased(stored) is true ? Redaction.RedactPdu(pdu) : pdu;
    }

    private void Write(Utf8JsonWriter json, StoredEvent stored, Pdu pdu, bool withRoomId, Membership? membership, bool isReason = false)
    {
        json.WriteStartObject();
        WriteBody(json, pdu, withRoomId);
        WriteUnsigned(json, stored, pdu, withRoomId, membership, isReason);
        json.WriteEndObject();
    }

    private void WriteBody(Utf8JsonWriter json, Pdu pdu, bool withRoomId)
    {
        json.WritePropertyName("content"u8);
        json.WriteRawValue(pdu.ContentJson, skipInputValidation: true);
        json.WriteString("event_id"u8, pdu.EventId);
        json.WriteNumber("origin_server_ts"u8, pdu.OriginServerTs);
        if (withRoomId)
        {
            json.WriteString("room_id"u8, room.Id);
        }

        json.WriteString("sender"u8, pdu.Sender);
        if (NamesUser)
        {
            json.WriteString("user_id"u8, pdu.Sender);
        }

        if (pdu.StateKey is not null)
        {
            json.WriteString("state_key"u8, pdu.StateKey);
        }

        json.WriteString("type"u8, pdu.Type);

        // Servers should add a redacts property at the top level of m.room.redaction events when serving them to clients
        // in room versions that have it in the content.
        if (pdu.Redacts is not null)
        {
            json.WriteString("redacts"u8, pdu.Redacts);
        }
    }

    private void WriteUnsigned(Utf8JsonWriter json, StoredEvent stored, Pdu pdu, bool withRoomId, Membership? membership, bool isReason)
    {
        json.WriteStartObject("unsigned"u8);
        json.WriteNumber("age"u8, Math.Max(0, now - pdu.OriginServerTs));
        if (membership is not null)
        {
            json.WriteString("membership"u8, Memberships.Name(membership.Value));
        }

        if (stored.Replaces is { } replaced && EventTable.Find(db, replaced) is { } before)
        {
            var previous = Shown(before);
            json.WritePropertyName("prev_content"u8);
            json.WriteRawValue(previous.ContentJson, skipInputValidation: true);
            json.WriteString("prev_sender"u8, previous.Sender);
            json.WriteString("replaces_state"u8, before.EventId);
        }

        // Of what redacted it nothing more is told: in early room versions two events may redact each other, and one itself.
        if (!isReason
            && stored.Flags.HasFlag(EventFlags.Redacted)
            && EventTable.RedactionOf(db, stored.Nid) is { } redaction
            && EventTable.Find(db, redaction) is { } because)
        {
            // Not in the specification, but what others tell besides, and clients look for.
            json.WriteString("redacted_by"u8, because.EventId);
            json.WritePropertyName("redacted_because"u8);
            Write(json, because, Shown(because), withRoomId: true, membership: null, isReason: true);
        }

        if (InviteRoomState is { } state)
        {
            json.WritePropertyName("invite_room_state"u8);
            WriteStripped(json, state);
        }

        Relations?.Write(json, this, stored, withRoomId);
        if (stored.Device == device)
        {
            json.WriteString("transaction_id"u8, stored.TransactionId);
        }

        json.WriteEndObject();
    }
}
