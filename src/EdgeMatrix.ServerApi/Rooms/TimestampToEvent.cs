using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;
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

        using var db = engine.Database.OpenSnapshot();
        if (RoomTable.Find(db, roomId) is not { } row || engine.Find(db, row) is not { } room)
        {
            return MatrixError.NotFound("The room is not known here");
        }

        if (ServerAccess.Refuse(db, row, room.Version, origin) is { } refused)
        {
            return refused;
        }

        // An id and a time tell nothing of what was said; whether the server's users may see the event is asked where it is fetched.
        return EventByTimestamp.Find(db, room, _ => true, ts.Value, backward: dir == "b") is not { } found
            ? MatrixError.NotFound($"No event {(dir == "b" ? "at the time or before" : "at the time or after")} {ts} is known here")
            : JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("event_id"u8, found.EventId);
                json.WriteNumber("origin_server_ts"u8, found.Parse(room.Version).OriginServerTs);
                json.WriteEndObject();
            });
    }
}
