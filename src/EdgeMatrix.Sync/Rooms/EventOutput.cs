using System.Buffers;
using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Relations;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>Writes a room's events in the form that the filter asks for.</summary>
/// <param name="visibility">What the syncing user may see; null where only stripped state is written.</param>
internal sealed class EventOutput(SyncRound round, Room room, RoomVisibility? visibility, Utf8JsonWriter json)
{
    private readonly ClientEventWriter _events = new(round.Db, room, round.Request.Device, round.Now) { Visibility = visibility };

    /// <param name="membership">The asking user's membership at the event; null to leave it out.</param>
    public void Write(StoredEvent stored, Membership? membership)
    {
        if (round.Filter.Fields is { } fields)
        {
            fields.Write(json, JsonElement.Parse(Whole(stored, membership)));
        }
        else
        {
            Write(json, stored, membership);
        }
    }

    /// <summary>Reads what is to be bundled with the events of a timeline.</summary>
    public void Bundle(List<StoredEvent> events)
    {
        if (visibility is not null && !round.Filter.FederationFormat)
        {
            _events.Relations = BundledRelations.Read(round.Db, room, visibility, round.Request.User, round.Request.UserId, events);
        }
    }

    public void WriteStripped(StrippedState state) => _events.WriteStripped(json, state);

    private ReadOnlySpan<byte> Whole(StoredEvent stored, Membership? membership)
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var whole = new Utf8JsonWriter(buffer))
        {
            Write(whole, stored, membership);
        }

        return buffer.WrittenSpan;
    }

    private void Write(Utf8JsonWriter output, StoredEvent stored, Membership? membership)
    {
        if (round.Filter.FederationFormat)
        {
            // The raw event as received over federation. From room version 3 on it does not hold its id, by which alone it can be asked for again.
            var raw = visibility?.IsErased(stored) is true ? Redaction.RedactPdu(SyncRound.Parse(room, stored)).Json.Span : stored.Json;
            if (room.Version.EventIdFormat == EventIdFormat.Chosen)
            {
                output.WriteRawValue(raw, skipInputValidation: true);
                return;
            }

            output.WriteStartObject();
            output.WriteString("event_id"u8, stored.EventId);
            foreach (var property in JsonElement.Parse(raw).EnumerateObject())
            {
                property.WriteTo(output);
            }

            output.WriteEndObject();
        }
        else
        {
            _events.Write(output, stored, withRoomId: false, membership);
        }
    }
}
