using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>The forward extremities of a room: events that no other names as its parent.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/rooms.html#forward-extremities-admin-api</remarks>
internal static class RoomExtremities
{
    // What other servers send to the same end, and clients show nowhere.
    private const string DummyType = "org.matrix.dummy_event";

    /// <summary><c>GET /_synapse/admin/v1/rooms/{roomIdOrAlias}/forward_extremities</c></summary>
    /// <remarks>When an event came is not stored: <c>received_ts</c> is the time that its sender's server gave it.</remarks>
    public static IResult Get(string roomIdOrAlias, RoomEngine engine)
    {
        if (RoomMembership.Resolve(engine, roomIdOrAlias) is not { } room)
        {
            return RoomAdmin.NotFound();
        }

        using var db = engine.Database.OpenSnapshot();
        var events = (RoomTable.Find(db, room.Nid)?.Extremities ?? []).Select(nid => EventTable.Find(db, nid)).OfType<StoredEvent>().ToList();
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("count"u8, events.Count);
            json.WriteStartArray("results"u8);
            foreach (var stored in events)
            {
                var pdu = stored.Parse(room.Version);
                json.WriteStartObject();
                json.WriteString("event_id"u8, stored.EventId);
                json.WriteNumber("state_group"u8, stored.State);
                json.WriteNumber("depth"u8, pdu.Depth);
                json.WriteNumber("received_ts"u8, pdu.OriginServerTs);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary>
    /// <c>DELETE /_synapse/admin/v1/rooms/{roomIdOrAlias}/forward_extremities</c>: leaves one. Unlike Synapse, which drops the others, this sends an
    /// event that has all of them as parents, as the next message would.
    /// </summary>
    public static async Task<IResult> Delete(string roomIdOrAlias, HttpRequest request, RoomEngine engine)
    {
        if (RoomMembership.Resolve(engine, roomIdOrAlias) is not { } room)
        {
            return RoomAdmin.NotFound();
        }

        var more = Count(engine, room) - 1;
        if (more > 0 && !await SendDummyAsync(engine, room, request.HttpContext.RequestAborted))
        {
            return MatrixError.Forbidden("No user of this server may send to the room");
        }

        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("deleted"u8, Math.Max(0, more));
            json.WriteEndObject();
        });
    }

    private static int Count(RoomEngine engine, Room room)
    {
        using var db = engine.Database.OpenSnapshot();
        return RoomTable.Find(db, room.Nid)?.Extremities.Length ?? 0;
    }

    private static async Task<bool> SendDummyAsync(RoomEngine engine, Room room, CancellationToken cancellation)
    {
        foreach (var user in RoomEntry.LocalMembers(engine, room))
        {
            var (_, refusal) = await engine.SendAsync(
                room, new EventDraft(DummyType, null, user, JsonContent.Object(_ => { })), null, cancellation);
            if (refusal is null)
            {
                return true;
            }
        }

        return false;
    }
}
