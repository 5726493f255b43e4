using System.Text.Json;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>The rooms that this server knows.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/rooms.html</remarks>
internal static class RoomAdmin
{
    private const long DefaultLimit = 100;
    private const long MaxLimit = 1_000;

    /// <summary><c>GET /_synapse/admin/v1/rooms</c></summary>
    public static IResult List(HttpRequest request, Database database)
    {
        var (from, badFrom) = request.QueryInteger("from");
        var (limit, badLimit) = request.QueryInteger("limit", min: 1);
        var (dir, badDir) = request.QueryOneOf("dir", "f", "b");
        var (order, badOrder) = request.QueryOneOf("order_by", "name", "alphabetical", "size", "joined_members", "version");
        if ((badFrom ?? badLimit ?? badDir ?? badOrder) is { } bad)
        {
            return bad;
        }

        using var db = database.OpenSnapshot();
        var term = request.QueryText("search_term");
        var rooms = Each(db)
            .Select(row => (Row: row, Name: Text(db, row, "m.room.name", "name"), Alias: Text(db, row, "m.room.canonical_alias", "alias")))
            .Where(room => term is null
                || room.Row.RoomId == term
                || room.Name?.Contains(term, StringComparison.OrdinalIgnoreCase) is true
                || room.Alias?.Contains(term, StringComparison.OrdinalIgnoreCase) is true);
        var sorted = (order switch
        {
            "size" or "joined_members" => rooms.OrderByDescending(room => room.Row.Joined),
            "version" => rooms.OrderBy(room => room.Row.Version, StringComparer.Ordinal),
            _ => rooms.OrderBy(room => room.Name ?? room.Alias ?? room.Row.RoomId, StringComparer.OrdinalIgnoreCase),
        }).Select(room => room.Row).ToList();
        if (dir == "b")
        {
            sorted.Reverse();
        }

        var start = (int)Math.Min(from ?? 0, sorted.Count);
        var size = (int)Math.Min(limit ?? DefaultLimit, MaxLimit);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("rooms"u8);
            foreach (var row in sorted.Skip(start).Take(size))
            {
                Write(json, db, row, whole: false);
            }

            json.WriteEndArray();
            json.WriteNumber("offset"u8, start);
            json.WriteNumber("total_rooms"u8, sorted.Count);
            if (start + size < sorted.Count)
            {
                json.WriteNumber("next_batch"u8, start + size);
            }

            if (start > 0)
            {
                json.WriteNumber("prev_batch"u8, Math.Max(0, start - size));
            }

            json.WriteEndObject();
        });
    }

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

    private static IEnumerable<RoomRow> Each(Session db)
    {
        for (var nid = 0L; RoomTable.FirstFrom(db, nid) is { } row; nid = row.Nid + 1)
        {
            yield return row;
        }
    }

    private static string? Text(Session db, RoomRow row, string type, string member) =>
        RoomVersions.Find(row.Version) is { } version && RoomStateReader.Find(db, version, row.State, type, "") is { } state
            ? JsonContent.Text(state.Content, member)
            : null;

    private static void Write(Utf8JsonWriter json, Session db, RoomRow row, bool whole)
    {
        json.WriteStartObject();
        json.WriteString("room_id"u8, row.RoomId);
        json.WriteString("name"u8, Text(db, row, "m.room.name", "name"));
        json.WriteString("canonical_alias"u8, Text(db, row, "m.room.canonical_alias", "alias"));
        json.WriteNumber("joined_members"u8, row.Joined);
        json.WriteNumber("joined_local_members"u8, MembershipTable.JoinedLocals(db, row.Nid).Count);
        json.WriteString("version"u8, row.Version);
        var create = RoomVersions.Find(row.Version) is { } version ? RoomStateReader.Find(db, version, row.State, "m.room.create", "") : null;
        json.WriteString("creator"u8, create?.Sender);
        json.WriteString("encryption"u8, Text(db, row, "m.room.encryption", "algorithm"));
        json.WriteBoolean("federatable"u8, create is null
            || !create.Content.TryGetProperty("m.federate", out var federate) || federate.ValueKind != JsonValueKind.False);
        json.WriteBoolean("public"u8, RoomTable.IsListed(db, row.Nid));
        json.WriteString("join_rules"u8, Text(db, row, "m.room.join_rules", "join_rule"));
        json.WriteString("guest_access"u8, Text(db, row, "m.room.guest_access", "guest_access"));
        json.WriteString("history_visibility"u8, Text(db, row, "m.room.history_visibility", "history_visibility"));
        json.WriteString("room_type"u8, create is null ? null : JsonContent.Text(create.Content, "type"));
        if (whole)
        {
            json.WriteString("topic"u8, Text(db, row, "m.room.topic", "topic"));
            json.WriteString("avatar"u8, Text(db, row, "m.room.avatar", "url"));
            json.WriteBoolean("forgotten"u8, !PurgedRoomTable.IsWanted(db, row.Nid));
        }

        json.WriteEndObject();
    }
}
