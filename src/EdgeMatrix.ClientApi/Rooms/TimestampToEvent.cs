using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>The event closest to a time.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event</remarks>
internal static class TimestampToEvent
{
    /// <summary><c>GET /_matrix/client/v1/rooms/{roomId}/timestamp_to_event</c></summary>
    public static async Task<IResult> FindAsync(
        string roomId, HttpRequest request, Requester requester, RoomEngine engine, RemoteTimestamps remote)
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

        var backward = dir == "b";
        var (view, closed) = RoomView.Open(engine, requester, roomId);
        if (view is null)
        {
            return closed!;
        }

        StoredEvent? found;
        TimelineGap? gap;
        long? known;
        Room room;
        using (view)
        {
            found = EventByTimestamp.Find(view.Db, view.Room, view.Visibility.MaySee, ts.Value, backward);
            (gap, room, known) = (GapBeside(view, found, backward), view.Room, found is null ? null : view.Parse(found).OriginServerTs);
        }

        // What is in a gap of the timeline, others have to tell.
        var closer = gap is { } beside
            ? await remote.FindAsync(room, beside, ts.Value, backward, known, request.HttpContext.RequestAborted)
            : null;
        return Answer(roomId, closer ?? found?.EventId, requester, engine)
            ?? (closer is null ? null : Answer(roomId, found?.EventId, requester, engine))
            ?? MatrixError.NotFound($"No event {(backward ? "at the time or before" : "at the time or after")} {ts} can be seen by you");
    }

    /// <summary>The gap in which an event closer to the time may be: between the one that was found and its neighbour on the other side of the time.</summary>
    private static TimelineGap? GapBeside(RoomView view, StoredEvent? found, bool backward)
    {
        var (db, room) = (view.Db, view.Room.Nid);
        if (backward)
        {
            var low = found?.Timeline ?? BackwardExtremityTable.Beginning;
            return EventTable.NidsForward(db, room, low, long.MaxValue, 1) is [var next] ? BackwardExtremityTable.Backward(db, room, next.Timeline, low) : null;
        }

        var high = found?.Timeline ?? long.MaxValue;
        var before = high == long.MaxValue ? [] : EventTable.Backward(db, room, high - 1, long.MinValue, 1);
        return found is null ? null
            : BackwardExtremityTable.Backward(db, room, high, before is [var last] ? last.Timeline!.Value : BackwardExtremityTable.Beginning);
    }

    private static IResult? Answer(string roomId, string? eventId, Requester requester, RoomEngine engine)
    {
        if (eventId is null)
        {
            return null;
        }

        var (view, closed) = RoomView.Open(engine, requester, roomId);
        if (view is null)
        {
            return closed;
        }

        using (view)
        {
            return view.FindVisible(eventId) is not { } found ? null : JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("event_id"u8, found.EventId);
                json.WriteNumber("origin_server_ts"u8, view.Parse(found).OriginServerTs);
                json.WriteEndObject();
            });
        }
    }
}
