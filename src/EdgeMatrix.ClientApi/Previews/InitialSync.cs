using System.Text.Json;
using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Previews;

/// <summary>A room, or all rooms of a user, as a client begins with before it listens to <see cref="EventStream"/>.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#room-previews</remarks>
internal static class InitialSync
{
    private const int DefaultLimit = 10;
    private const int MaxLimit = 100;

    /// <summary><c>GET /_matrix/client/v3/rooms/{roomId}/initialSync</c></summary>
    public static IResult OfRoom(string roomId, HttpRequest request, Requester requester, RoomEngine engine, AnswerSpool spool)
    {
        var (limit, badLimit) = request.QueryInteger("limit");
        if (badLimit is not null)
        {
            return badLimit;
        }

        var (view, error) = RoomView.Open(engine, requester, roomId);
        if (view is null)
        {
            return error!;
        }

        using (view)
        {
            return LongJson.Write(spool, json => RoomInfo.Write(json, view, requester, Size(limit), view.Db.Position));
        }
    }

    /// <summary><c>GET /_matrix/client/v3/initialSync</c>, which is deprecated.</summary>
    public static IResult OfUser(HttpRequest request, Requester requester, RoomEngine engine, UserPresence presence, AnswerSpool spool)
    {
        var (limit, badLimit) = request.QueryInteger("limit");
        var (archived, badArchived) = request.QueryBoolean("archived");
        if ((badLimit ?? badArchived) is { } bad)
        {
            return bad;
        }

        using var db = engine.Database.OpenSnapshot();
        return LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteString("end"u8, new SyncToken(db.Position, 0, 0).ToString());
            WritePresence(json, db, requester, engine, presence);
            AccountDataJson.Write(json, "account_data"u8, AccountDataTable.OfRoom(db, requester.UserNid, AccountDataTable.Global));
            json.WriteStartArray("rooms"u8);
            WriteInvites(json, db, requester, engine);
            Membership[] shown = archived is true ? [Membership.Join, Membership.Leave, Membership.Ban] : [Membership.Join];
            foreach (var row in shown.SelectMany(membership => MembershipTable.OfUser(db, requester.UserNid, membership)))
            {
                if (!row.Forgotten && RoomTable.Find(db, row.Room) is { } room && RoomView.In(db, engine, requester, room) is { } view)
                {
                    RoomInfo.Write(json, view, requester, Size(limit), db.Position);
                }
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private static int Size(long? limit) => (int)Math.Min(limit ?? DefaultLimit, MaxLimit);

    private static void WriteInvites(Utf8JsonWriter json, Snapshot db, Requester requester, RoomEngine engine)
    {
        foreach (var row in MembershipTable.OfUser(db, requester.UserNid, Membership.Invite))
        {
            if (ShownInvite.Find(db, engine, requester, row) is { } invite)
            {
                json.WriteStartObject();
                json.WriteString("room_id"u8, invite.Room.Id);
                json.WriteString("membership"u8, "invite"u8);
                json.WritePropertyName("invite"u8);
                invite.Write(json);
                json.WriteEndObject();
            }
        }
    }

    private static void WritePresence(Utf8JsonWriter json, Session db, Requester requester, RoomEngine engine, UserPresence presence)
    {
        var now = engine.Time.GetUtcNow().ToUnixTimeMilliseconds();
        json.WriteStartArray("presence"u8);
        foreach (var (user, status) in presence.Since(0))
        {
            if (UserPresence.MaySee(db, requester.UserNid, user))
            {
                EphemeralJson.WritePresence(json, status, now);
            }
        }

        json.WriteEndArray();
    }
}
