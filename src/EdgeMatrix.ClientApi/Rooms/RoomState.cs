using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>The state of a room.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate</remarks>
internal static class RoomState
{
    /// <summary><c>GET /_matrix/client/v3/rooms/{roomId}/state</c></summary>
    public static IResult All(string roomId, Requester requester, RoomEngine engine, AnswerSpool spool)
    {
        var (view, error) = RoomView.Open(engine, requester, roomId);
        if (view is null)
        {
            return error!;
        }

        using (view)
        {
            return LongJson.Write(spool, json =>
            {
                json.WriteStartArray();
                RoomStateReader.ForEach(view.Db, view.State, stored => view.WriteState(json, stored));

                json.WriteEndArray();
            });
        }
    }

    /// <summary><c>GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}</c>, with <c>format=event</c> the whole event.</summary>
    public static IResult Get(
        string roomId, string eventType, string? stateKey, string? format, Requester requester, RoomEngine engine)
    {
        if (format is not (null or "content" or "event"))
        {
            return MatrixError.InvalidParam("format must be content or event");
        }

        var (view, error) = RoomView.Open(engine, requester, roomId);
        if (view is null)
        {
            return error!;
        }

        using (view)
        {
            return view.FindState(eventType, stateKey ?? "") is not { } stored
                ? MatrixError.NotFound("The room has no state of that type and key")
                : format == "event"
                    ? JsonText.Write(json => view.WriteEvent(json, stored))
                    : JsonText.Write(json => view.Writer.Shown(stored).Content.WriteTo(json));
        }
    }
}
