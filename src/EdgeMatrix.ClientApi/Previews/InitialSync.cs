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
/// <remarks>
/// The presence of a room's members, and receipts, are not in the specification any more, but clients that begin so look for them.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-previews
/// </remarks>
internal static class InitialSync
{
    private const int DefaultLimit = 10;
    private const int MaxLimit = 100;

    /// <summary><c>GET /_matrix/client/v3/rooms/{roomId}/initialSync</c></summary>
    public static IResult OfRoom(string roomId, HttpRequest request, Requester requester, RoomEngine engine, UserPresence presence, AnswerSpool spool)
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
            return LongJson.Write(spool, json => RoomInfo.Write(json, view, requester, Size(limit), view.Db.Position, () =>
            {
                // Of what goes on in a room whoever left it, or looks in from outside, is told no more than its events.
                WritePresence(json, engine, view.IsJoined
                    ? presence.Of([.. MembershipTable.EachInRoom(view.Db, view.Room.Nid, Membership.Join).Select(member => member.User)])
                    : []);
                json.WriteStartArray("receipts"u8);
                if (view.IsJoined)
                {
                    WriteReceipts(json, view, requester);
                }

                json.WriteEndArray();
            }));
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

        // Whoever begins to listen is there.
        presence.Synced(requester.UserNid, requester.UserId, requester.DeviceNid, PresenceState.Online, TimeSpan.Zero);
        using var db = engine.Database.OpenSnapshot();
        return LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteString("end"u8, new SyncToken(db.Position, 0, 0).ToString());
            WritePresence(json, engine, presence.Since(0)
                .Where(one => UserPresence.MaySee(db, requester.UserNid, one.User))
                .Select(one => one.Status));

            // "The global private data created by this user": push rules are the server's until the user changes them, and have an endpoint.
            AccountDataJson.Write(json, "account_data"u8, AccountDataTable.OfRoom(db, requester.UserNid, AccountDataTable.Global)
                .Where(row => row.Type != "m.push_rules"));
            var joined = new List<RoomView>();
            json.WriteStartArray("rooms"u8);
            WriteInvites(json, db, requester, engine);
            Membership[] shown = archived is true ? [Membership.Join, Membership.Leave, Membership.Ban] : [Membership.Join];
            foreach (var row in shown.SelectMany(membership => MembershipTable.OfUser(db, requester.UserNid, membership)))
            {
                if (!row.Forgotten && RoomTable.Find(db, row.Room) is { } room && RoomView.In(db, engine, requester, room) is { } view)
                {
                    RoomInfo.Write(json, view, requester, Size(limit), db.Position);
                    if (view.IsJoined)
                    {
                        joined.Add(view);
                    }
                }
            }

            json.WriteEndArray();
            json.WriteStartArray("receipts"u8);
            joined.ForEach(view => WriteReceipts(json, view, requester));
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

    private static void WriteReceipts(Utf8JsonWriter json, RoomView view, Requester requester)
    {
        var receipts = ReceiptTable.Since(view.Db, view.Room.Nid, 0, view.Db.Position)
            .Where(receipt => receipt.Type != ReceiptType.ReadPrivate || receipt.User == requester.UserNid);
        foreach (var thread in receipts.GroupBy(receipt => receipt.Thread))
        {
            EphemeralJson.WriteReceipts(json, thread, view.Room.Id);
        }
    }

    private static void WritePresence(Utf8JsonWriter json, RoomEngine engine, IEnumerable<PresenceStatus> users)
    {
        var now = engine.Time.GetUtcNow().ToUnixTimeMilliseconds();
        json.WriteStartArray("presence"u8);
        foreach (var status in users)
        {
            EphemeralJson.WritePresence(json, status, now, withUserId: true);
        }

        json.WriteEndArray();
    }
}
