using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary><c>GET /_matrix/federation/v1/timestamp_to_event/{roomId}</c>: for servers that are in the room.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid</remarks>
internal static class TimestampToEvent
{
    public static IResult Get(string roomId, string origin, HttpRequest request, RoomEngine engine)
    {
        var (ts, badTs) = request.QueryInteger("ts", min: 0);
        var (dir, badDir) = request.QueryOneOf("dir", "f", "b");
        if ((badTs ?? badDir) is { } bad)
        {
            return bad;
        }

        if (ts is null || dir is null)
        {
            return MatrixError.MissingParam(ts is null ? "ts" : "dir");
        }

        var (asked, error) = AskedRoom.Open(engine, roomId, origin);
        if (asked is null)
        {
            return error!;
        }

        using var room = asked;

        // An id and a time tell nothing of what was said; whether the server's users may see the event is asked where it is fetched.
        return EventByTimestamp.Find(room.Db, room.Room, _ => true, ts.Value, backward: dir == "b") is not { } found
            ? MatrixError.NotFound($"No event {(dir == "b" ? "at the time or before" : "at the time or after")} {ts} is known here")
            : JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("event_id"u8, found.EventId);
                json.WriteNumber("origin_server_ts"u8, found.Parse(room.Room.Version).OriginServerTs);
                json.WriteEndObject();
            });
    }
}
