using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>The event closest to a time.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event</remarks>
internal static class TimestampToEvent
{
    /// <summary><c>GET /_matrix/client/v1/rooms/{roomId}/timestamp_to_event</c></summary>
    public static IResult Find(string roomId, HttpRequest request, Requester requester, RoomEngine engine)
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

        var (view, closed) = RoomView.Open(engine, requester, roomId);
        if (view is null)
        {
            return closed!;
        }

        using (view)
        {
            if (EventByTimestamp.Find(view.Db, view.Room, view.Visibility.MaySee, ts.Value, backward: dir == "b") is not { } found)
            {
                return MatrixError.NotFound($"No event {(dir == "b" ? "at the time or before" : "at the time or after")} {ts} can be seen by you");
            }

            return JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("event_id"u8, found.EventId);
                json.WriteNumber("origin_server_ts"u8, view.Parse(found).OriginServerTs);
                json.WriteEndObject();
            });
        }
    }
}
