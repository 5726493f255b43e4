using System.Globalization;
using System.Text.Json;
using EdgeMatrix.Accounts.Notifications;
using EdgeMatrix.Accounts.PushRules;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.PushRules;

/// <summary>What the requester was notified of.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3notifications</remarks>
internal static class NotificationList
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 100;

    private static readonly JsonElement _notify = JsonElement.Parse("""["notify"]"""u8);

    /// <summary><c>GET /_matrix/client/v3/notifications</c></summary>
    public static IResult Get(string? from, string? only, HttpRequest request, Requester requester, RoomEngine engine, UserPushRules rules)
    {
        var (limit, badLimit) = request.QueryInteger("limit", min: 0);
        if (badLimit is not null)
        {
            return badLimit;
        }

        var before = long.MaxValue;
        if (from is not null && !long.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out before))
        {
            return MatrixError.InvalidParam("from must be a next_token of /notifications");
        }

        var ofUser = new PushRuleEvaluator(rules.Get(requester.UserNid, requester.UserId), requester.UserId);
        using var db = engine.Database.OpenSnapshot();
        var size = (int)Math.Clamp(limit ?? DefaultLimit, 1, MaxLimit);
        var (rows, next) = UserNotifications.Backward(db, requester.UserNid, before, only == "highlight", size);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("notifications"u8);
            foreach (var row in rows)
            {
                Write(json, db, requester, engine, ofUser, row);
            }

            json.WriteEndArray();
            if (next is { } rest)
            {
                json.WriteString("next_token"u8, rest.ToString(CultureInfo.InvariantCulture));
            }

            json.WriteEndObject();
        });
    }

    private static void Write(
        Utf8JsonWriter json, Snapshot db, Requester requester, RoomEngine engine, PushRuleEvaluator rules, NotificationRow row)
    {
        // What has expired, or what the user is not to see any more, is passed over.
        if (RoomTable.Find(db, row.Room) is not { } roomRow
            || engine.Find(db, roomRow) is not { } room
            || EventTable.Find(db, row.Event) is not { } stored)
        {
            return;
        }

        var pdu = stored.Parse(room.Version);
        var visibility = new RoomVisibility(db, engine, room, roomRow, requester.UserNid, requester.UserId);
        if (pdu.StateKey != requester.UserId && !visibility.MaySee(stored))
        {
            return;
        }

        var now = engine.Time.GetUtcNow().ToUnixTimeMilliseconds();
        json.WriteStartObject();
        json.WritePropertyName("actions"u8);
        (rules.Evaluate(new PushedEvent(db, room, pdu, stored.State))?.Actions ?? _notify).WriteTo(json);
        json.WritePropertyName("event"u8);
        new ClientEventWriter(db, room, requester.DeviceNid, now) { Visibility = visibility }.Write(json, stored, withRoomId: false);
        json.WriteBoolean("read"u8, row.Read);
        json.WriteString("room_id"u8, room.Id);
        json.WriteNumber("ts"u8, pdu.OriginServerTs);
        json.WriteEndObject();
    }
}
