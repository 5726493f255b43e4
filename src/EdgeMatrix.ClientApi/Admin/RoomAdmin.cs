using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>One room that this server knows.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/rooms.html</remarks>
internal static class RoomAdmin
{
    /// <summary><c>GET /_synapse/admin/v1/rooms/{roomId}</c></summary>
    public static IResult Get(string roomId, Database database)
    {
        using var db = database.OpenSnapshot();
        return RoomTable.Find(db, roomId) is { } row ? JsonText.Write(json => Write(json, db, row, whole: true)) : NotFound();
    }

    /// <summary><c>GET /_synapse/admin/v1/rooms/{roomId}/members</c></summary>
    public static IResult Members(string roomId, Database database, AnswerSpool spool)
    {
        using var db = database.OpenSnapshot();
        if (RoomTable.Find(db, roomId) is not { } row)
        {
            return NotFound();
        }

        return LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("members"u8);
            foreach (var member in MembershipTable.EachInRoom(db, row.Nid, Membership.Join))
            {
                json.WriteStringValue(UserTable.Name(db, member.User));
            }

            json.WriteEndArray();
            json.WriteNumber("total"u8, row.Joined);
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_synapse/admin/v1/rooms/{roomId}/state</c></summary>
    public static IResult State(string roomId, RoomEngine engine, Requester requester, AnswerSpool spool)
    {
        var room = engine.Find(roomId);
        using var db = engine.Database.OpenSnapshot();
        if (room is null || RoomTable.Find(db, roomId) is not { } row)
        {
            return NotFound();
        }

        var events = new EdgeMatrix.Rooms.History.ClientEventWriter(
            db, room, requester.DeviceNid, engine.Time.GetUtcNow().ToUnixTimeMilliseconds());
        return LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("state"u8);
            RoomStateReader.ForEach(db, row.State, stored => events.Write(json, stored, withRoomId: true));
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_synapse/admin/v1/fetch_event/{eventId}</c>: the event as it is between servers.</summary>
    public static IResult Event(string eventId, Database database)
    {
        using var db = database.OpenSnapshot();
        return EventTable.Find(db, eventId) is { } stored
            ? JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteStartObject("event"u8);
                foreach (var member in JsonElement.Parse(stored.Json).EnumerateObject())
                {
                    if (member.Name != "event_id")
                    {
                        member.WriteTo(json);
                    }
                }

                json.WriteString("event_id"u8, stored.EventId);
                json.WriteEndObject();
                json.WriteEndObject();
            })
            : MatrixError.NotFound("The event is not known here");
    }

    /// <summary><c>GET /_synapse/admin/v1/rooms/{roomId}/block</c></summary>
    public static IResult GetBlock(string roomId, Database database)
    {
        using var db = database.OpenSnapshot();
        return Block(BlockedRoomTable.Blocker(db, roomId));
    }

    /// <summary><c>PUT /_synapse/admin/v1/rooms/{roomId}/block</c></summary>
    public static async Task<IResult> SetBlock(string roomId, HttpRequest request, Requester requester, Database database)
    {
        var (given, badBody) = await request.ReadObjectAsync();
        if (badBody is not null)
        {
            return badBody;
        }

        var body = new AdminBody(given);
        var block = body.Flag("block");
        if ((body.Error ?? (block is null ? MatrixError.MissingParam("block") : null)
            ?? (Protocol.Identifiers.RoomId.IsValid(roomId) ? null : MatrixError.InvalidParam("Not a room ID"))) is { } refused)
        {
            return refused;
        }

        await database.WriteAsync(db =>
        {
            if (block!.Value)
            {
                BlockedRoomTable.Add(db, roomId, requester.UserNid);
            }
            else
            {
                BlockedRoomTable.Remove(db, roomId);
            }
        });
        return Block(block!.Value ? requester.UserId : null);
    }

    public static MatrixError NotFound() => MatrixError.NotFound("The room is not known here");

    private static JsonText Block(string? blocker) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteBoolean("block"u8, blocker is not null);
        if (blocker is not null)
        {
            json.WriteString("user_id"u8, blocker);
        }

        json.WriteEndObject();
    });

    public static string? Text(Session db, RoomRow row, string type, string member) =>
        RoomVersions.Find(row.Version) is { } version && RoomStateReader.Find(db, version, row.State, type, "") is { } state
            ? JsonContent.Text(state.Content, member)
            : null;

    public static Pdu? Create(Session db, RoomRow row) =>
        RoomVersions.Find(row.Version) is { } version ? RoomStateReader.Find(db, version, row.State, "m.room.create", "") : null;

    public static bool IsFederatable(Pdu? create) =>
        create is null || !create.Content.TryGetProperty("m.federate", out var federate) || federate.ValueKind != JsonValueKind.False;

    /// <param name="whole">Also what takes reading all of the room's state, or is shown for a single room only.</param>
    public static void Write(Utf8JsonWriter json, Session db, RoomRow row, bool whole)
    {
        json.WriteStartObject();
        json.WriteString("room_id"u8, row.RoomId);
        json.WriteString("name"u8, Text(db, row, "m.room.name", "name"));
        json.WriteString("canonical_alias"u8, Text(db, row, "m.room.canonical_alias", "alias"));
        json.WriteNumber("joined_members"u8, row.Joined);
        json.WriteNumber("joined_local_members"u8, MembershipTable.CountJoinedLocals(db, row));
        json.WriteString("version"u8, row.Version);
        var create = Create(db, row);
        json.WriteString("creator"u8, create?.Sender);
        json.WriteString("encryption"u8, Text(db, row, "m.room.encryption", "algorithm"));
        json.WriteBoolean("federatable"u8, IsFederatable(create));
        json.WriteBoolean("public"u8, RoomTable.IsListed(db, row.Nid));
        json.WriteString("join_rules"u8, Text(db, row, "m.room.join_rules", "join_rule"));
        json.WriteString("guest_access"u8, Text(db, row, "m.room.guest_access", "guest_access"));
        json.WriteString("history_visibility"u8, Text(db, row, "m.room.history_visibility", "history_visibility"));
        json.WriteString("room_type"u8, create is null ? null : JsonContent.Text(create.Content, "type"));
        if (whole)
        {
            json.WriteString("topic"u8, Text(db, row, "m.room.topic", "topic"));
            json.WriteString("avatar"u8, Text(db, row, "m.room.avatar", "url"));
            json.WriteNumber("state_events"u8, StateNodes.All(db, row.State).Count);
            json.WriteBoolean("forgotten"u8, !PurgedRoomTable.IsWanted(db, row.Nid));
        }

        json.WriteEndObject();
    }
}
