using System.Text.Json;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>Lets users of servers that are not in a room reject an invite, or take back a knock, by way of this one.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites</remarks>
internal static class Leaves
{
    /// <summary><c>GET /_matrix/federation/v1/make_leave/{roomId}/{userId}</c></summary>
    public static async Task<IResult> Make(string roomId, string userId, string origin, HttpRequest request, RoomEngine engine)
    {
        var (room, error) = Handshake.Open(engine, roomId, origin);
        return error ?? await Handshake.MakeAsync(
            engine, room!, userId, origin, _ => Handshake.Draft(userId, JsonContent.Of("membership", "leave")), request.HttpContext.RequestAborted);
    }

    /// <summary><c>PUT /_matrix/federation/v2/send_leave/{roomId}/{eventId}</c></summary>
    public static async Task<IResult> Send(
        string roomId, string eventId, string origin, JsonElement content, HttpRequest request, RoomEngine engine, KeyRing keys) =>
        await TakeAsync(roomId, eventId, origin, content, engine, keys, request.HttpContext.RequestAborted) ?? (IResult)JsonText.Empty;

    /// <summary><c>PUT /_matrix/federation/v1/send_leave/{roomId}/{eventId}</c>, for servers of before MSC1802.</summary>
    public static async Task<IResult> SendOld(
        string roomId, string eventId, string origin, JsonElement content, HttpRequest request, RoomEngine engine, KeyRing keys) =>
        await TakeAsync(roomId, eventId, origin, content, engine, keys, request.HttpContext.RequestAborted) is { } error
            ? Handshake.OldError(error)
            : JsonText.Write(Handshake.OldAnswer(json =>
            {
                json.WriteStartObject();
                json.WriteEndObject();
            }));

    private static async Task<MatrixError?> TakeAsync(
        string roomId, string eventId, string origin, JsonElement content, RoomEngine engine, KeyRing keys, CancellationToken cancellation)
    {
        var (room, error) = Handshake.Open(engine, roomId, origin);
        if (room is null)
        {
            return error;
        }

        var (leave, wrong) = await Handshake.ReadAsync(content, eventId, room, origin, "leave", keys, sign: null, cancellation);
        return wrong ?? await Handshake.TakeAsync(engine, room, leave!, cancellation);
    }
}
