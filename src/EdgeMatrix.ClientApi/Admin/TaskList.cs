using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>What administrators asked for and is done in the background.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/scheduled_tasks.html</remarks>
internal static class TaskList
{
    /// <summary><c>GET /_synapse/admin/v1/scheduled_tasks</c>: nothing here waits for a time to begin, and nothing is told of after a restart.</summary>
    public static IResult Get(HttpRequest request, AdminTasks tasks)
    {
        var (status, badStatus) = request.QueryOneOf("status", "scheduled", AdminTask.Active, AdminTask.Complete, "cancelled", AdminTask.Failed);
        var (before, badBefore) = request.QueryInteger("max_timestamp");
        if ((badStatus ?? badBefore) is { } bad)
        {
            return bad;
        }

        var (action, subject) = (request.QueryText("action_name"), request.QueryText("resource_id"));
        var found = tasks.All().Where(task =>
            (status is null || task.Status == status)
            && (before is null || task.ChangedTs < before)
            && (action is null || NameOf(task.Kind) == action)
            && (subject is null || task.Subject == subject));
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("scheduled_tasks"u8);
            foreach (var task in found)
            {
                json.WriteStartObject();
                json.WriteString("id"u8, task.Id);
                json.WriteString("action"u8, NameOf(task.Kind));
                json.WriteString("status"u8, task.Status);
                json.WriteNumber("timestamp_ms"u8, task.ChangedTs);
                json.WriteString("resource_id"u8, task.Subject);
                if (task.Error is not null)
                {
                    json.WriteString("error"u8, task.Error);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    // As Synapse calls them.
    private static string NameOf(AdminTaskKind kind) => kind switch
    {
        AdminTaskKind.DeleteRoom => "shutdown_and_purge_room",
        AdminTaskKind.PurgeHistory => "purge_history",
        _ => "redact_all_events",
    };
}
