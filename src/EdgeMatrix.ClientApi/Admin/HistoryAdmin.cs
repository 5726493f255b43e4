using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Purging;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Deleting the old messages of a room; state stays, and so does the newest event.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/purge_history_api.html</remarks>
internal static class HistoryAdmin
{
    /// <summary><c>POST /_synapse/admin/v1/purge_history/{roomId}/{eventId}</c>, or with the event or a time in the body.</summary>
    /// <remarks>Unlike Synapse's it needs no <c>delete_local_events</c>: all events here are of this server.</remarks>
    public static async Task<IResult> Purge(
        string roomId, string? eventId, HttpRequest request, RoomEngine engine, HistoryPurge purge, AdminTasks tasks)
    {
        var (given, badBody) = await request.ReadObjectOrEmptyAsync();
        if (badBody is not null)
        {
            return badBody;
        }

        var body = new AdminBody(given);
        var (upToEvent, upToTs) = (eventId ?? body.Text("purge_up_to_event_id"), body.Number("purge_up_to_ts"));
        if (body.Error is not null)
        {
            return body.Error;
        }

        if (upToEvent is null && upToTs is null)
        {
            return MatrixError.MissingParam("purge_up_to_event_id or purge_up_to_ts");
        }

        if (engine.Find(roomId) is not { } room)
        {
            return RoomAdmin.NotFound();
        }

        var upTo = long.MaxValue;
        if (upToEvent is not null)
        {
            using var db = engine.Database.OpenSnapshot();
            if (EventTable.FindPlace(db, upToEvent) is not { Timeline: { } order } place || place.Room != room.Nid)
            {
                return MatrixError.NotFound("The room has no such event");
            }

            // Up to, and not with it.
            upTo = order - 1;
        }

        var (task, taken) = tasks.Begin(
            AdminTaskKind.PurgeHistory, roomId, "The history of the room is being purged already", _ => purge.DeleteAsync(room, upTo, upToEvent is null ? upToTs : null, CancellationToken.None));
        return task is null ? taken! : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("purge_id"u8, task.Id);
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_synapse/admin/v1/purge_history_status/{purgeId}</c></summary>
    public static IResult Status(string purgeId, AdminTasks tasks) =>
        tasks.Find(AdminTaskKind.PurgeHistory, purgeId) is not { } task ? MatrixError.NotFound("Nothing is known of such a purge") : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("status"u8, task.Status);
            if (task.Error is not null)
            {
                json.WriteString("error"u8, task.Error);
            }

            json.WriteEndObject();
        });
}
