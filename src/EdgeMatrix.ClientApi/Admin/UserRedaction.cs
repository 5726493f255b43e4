using System.Text.Json;
using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Redacting what a user said, room by room, from the newest down; state stays, but for names and pictures in the user's own joins.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html#redact-all-the-events-of-a-user</remarks>
internal static class UserRedaction
{
    private const long DefaultLimit = 1_000;
    private const int Scanned = 500;

    // Synapse has no bound; the list of what failed is kept in memory.
    private const int MaxFailures = 1_000;

    /// <summary><c>POST /_synapse/admin/v1/user/{userId}/redact</c></summary>
    public static async Task<IResult> Begin(string userId, HttpRequest request, Requester requester, RoomEngine engine, AdminTasks tasks)
    {
        var (given, badBody) = await request.ReadObjectAsync();
        if (badBody is not null)
        {
            return badBody;
        }

        var body = new AdminBody(given);
        var (rooms, reason, limit, asAdmin) = (body.Texts("rooms"), body.Text("reason"), body.Number("limit"), body.Flag("use_admin") is true);
        if (body.Error is not null)
        {
            return body.Error;
        }

        if (rooms is null)
        {
            return MatrixError.MissingParam("rooms");
        }

        if (limit == 0)
        {
            return MatrixError.InvalidParam("limit is 0");
        }

        long user;
        using (var db = engine.Database.OpenSnapshot())
        {
            if (UserTable.Find(db, userId) is not { } known)
            {
                return MatrixError.NotFound("No such user is known here");
            }

            user = known;
            if (rooms.Length == 0)
            {
                rooms = [.. MembershipTable.AllOfUser(db, user).Select(row => RoomTable.Find(db, row.Room)?.RoomId).OfType<string>()];
            }
        }

        var (task, taken) = tasks.Begin(AdminTaskKind.RedactUser, userId, "The user's events are being redacted already", async task =>
        {
            var failed = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var room in rooms.Select(engine.Find).OfType<Room>())
            {
                await RedactAsync(engine, room, (user, userId), asAdmin ? requester.UserId : null, requester.UserId, reason, limit ?? DefaultLimit, failed);
            }

            task.NotRedacted = failed;
        });
        return task is null ? taken! : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("redact_id"u8, task.Id);
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_synapse/admin/v1/user/redact_status/{redactId}</c></summary>
    public static IResult Status(string redactId, AdminTasks tasks) =>
        tasks.Find(AdminTaskKind.RedactUser, redactId) is not { } task ? MatrixError.NotFound("Nothing is known of such a redaction") : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("status"u8, task.Status == AdminTask.Complete ? "completed" : task.Status);
            json.WriteStartObject("failed_redactions"u8);
            foreach (var (eventId, why) in task.NotRedacted ?? new Dictionary<string, string>())
            {
                json.WriteString(eventId, why);
            }

            json.WriteEndObject();
            if (task.Error is not null)
            {
                json.WriteString("error"u8, task.Error);
            }

            json.WriteEndObject();
        });

    /// <param name="sender">Who redacts; null: the user, or where the user is not in the room any more, the administrator.</param>
    private static async Task RedactAsync(
        RoomEngine engine, Room room, (long Nid, string Id) user, string? sender, string admin, string? reason, long limit, Dictionary<string, string> failed)
    {
        if (sender is null)
        {
            using var db = engine.Database.OpenSnapshot();
            var joined = engine.Server.Owns(user.Id) && MembershipTable.Find(db, room.Nid, user.Nid)?.Membership == Membership.Join;
            sender = joined ? user.Id : admin;
        }

        var body = JsonContent.Object(json =>
        {
            if (reason is not null)
            {
                json.WriteString("reason", reason);
            }
        });
        for (long? from = long.MaxValue; from is { } at && limit > 0;)
        {
            List<string> targets;
            (targets, from) = Find(engine, room, user.Nid, at);
            foreach (var target in targets.TakeWhile(_ => limit-- > 0))
            {
                var (_, refusal) = await engine.SendAsync(
                    room, state => RoomSending.DraftRedaction(room, state, target, user.Id, body, sender), null, CancellationToken.None);
                if (refusal is not null && failed.Count < MaxFailures)
                {
                    failed[target] = refusal.Message;
                }
            }
        }
    }

    private static (List<string> Targets, long? Next) Find(RoomEngine engine, Room room, long user, long from)
    {
        using var db = engine.Database.OpenSnapshot();
        var (nids, next) = EventTable.OfSender(db, room.Nid, user, from, Scanned);
        return ([.. nids.Select(nid => EventTable.Find(db, nid)).OfType<StoredEvent>().Where(Wanted).Select(stored => stored.EventId)], next);

        bool Wanted(StoredEvent stored)
        {
            if (stored.Flags.HasFlag(EventFlags.Redacted))
            {
                return false;
            }

            // A leave or a ban shows nothing of whom it is about, and its reason is to stay.
            var pdu = stored.Parse(room.Version);
            return pdu.StateKey is null ? pdu.Type != "m.room.redaction"
                : pdu.Type == "m.room.member" && pdu.StateKey == pdu.Sender && Memberships.Of(pdu) == Membership.Join
                    && (JsonContent.Text(pdu.Content, "displayname") ?? JsonContent.Text(pdu.Content, "avatar_url")) is not null;
        }
    }
}
