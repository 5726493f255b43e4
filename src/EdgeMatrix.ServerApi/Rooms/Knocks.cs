using System.Text.Json;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>Lets users of servers that are not in a room knock upon it by way of this one.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#knocking-rooms</remarks>
internal static class Knocks
{
    /// <summary><c>GET /_matrix/federation/v1/make_knock/{roomId}/{userId}</c></summary>
    public static async Task<IResult> Make(string roomId, string userId, string origin, HttpRequest request, RoomEngine engine)
    {
        var (room, error) = Handshake.Open(engine, roomId, origin);
        return error ?? Handshake.CheckVersion(request, room!) ?? await Handshake.MakeAsync(
            engine, room!, userId, origin, _ => Handshake.Draft(userId, JsonContent.Of("membership", "knock")), request.HttpContext.RequestAborted);
    }

    /// <summary><c>PUT /_matrix/federation/v1/send_knock/{roomId}/{eventId}</c></summary>
    public static async Task<IResult> Send(
        string roomId, string eventId, string origin, JsonElement content, HttpRequest request, RoomEngine engine, KeyRing keys)
    {
        var cancellation = request.HttpContext.RequestAborted;
        var (room, error) = Handshake.Open(engine, roomId, origin);
        if (room is null)
        {
            return error!;
        }

        var (knock, wrong) = await Handshake.ReadAsync(content, eventId, room, origin, "knock", keys, sign: null, cancellation);
        if ((wrong ?? await Handshake.TakeAsync(engine, room, knock!, cancellation)) is { } refused)
        {
            return refused;
        }

        using var db = engine.Database.OpenSnapshot();
        return EventTable.Find(db, eventId) is not { } stored
            ? MatrixError.NotFound("The room is gone")
            : JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("knock_room_state"u8);

                // "All events listed MUST additionally be formatted according to the room version specification": whole, so that they can be checked.
                foreach (var shown in StrippedState.OfRoom(db, stored.State, inviter: null))
                {
                    json.WriteRawValue(shown.Json, skipInputValidation: true);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            });
    }
}
