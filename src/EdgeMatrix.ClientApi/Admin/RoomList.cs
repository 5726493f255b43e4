using System.Text.Json;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>The rooms that this server knows.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/rooms.html#list-room-api</remarks>
internal static class RoomList
{
    private const long DefaultLimit = 100;
    private const long MaxLimit = 1_000;

    /// <summary><c>GET /_synapse/admin/v1/rooms</c></summary>
    /// <remarks>By <c>state_events</c>, which takes all of each room's state to count, nothing can be ordered, nor is it told in the list.</remarks>
    public static IResult Get(HttpRequest request, Database database)
    {
        var (from, badFrom) = request.QueryInteger("from");
        var (limit, badLimit) = request.QueryInteger("limit", min: 1);
        var (dir, badDir) = request.QueryOneOf("dir", "f", "b");
        var (listed, badListed) = request.QueryBoolean("public_rooms");
        var (empty, badEmpty) = request.QueryBoolean("empty_rooms");
        var (order, badOrder) = request.QueryOneOf(
            "order_by", "name", "alphabetical", "canonical_alias", "size", "joined_members", "joined_local_members", "version", "public",
            "creator", "encryption", "federatable", "join_rules", "guest_access", "history_visibility");
        if ((badFrom ?? badLimit ?? badDir ?? badListed ?? badEmpty ?? badOrder) is { } bad)
        {
            return bad;
        }

        var wanted = new RoomListing(
            request.QueryText("search_term") is { Length: > 0 } term ? term : null,
            listed,
            empty,
            order switch
            {
                "canonical_alias" => RoomOrder.Alias,
                "size" or "joined_members" => RoomOrder.Joined,
                "joined_local_members" => RoomOrder.JoinedLocals,
                "version" => RoomOrder.Version,
                "public" => RoomOrder.Listed,
                _ => RoomOrder.Name,
            },
            dir == "b");
        using var db = database.OpenSnapshot();
        var (start, size) = (from ?? 0, Math.Min(limit ?? DefaultLimit, MaxLimit));
        var page = KeyOf(order) is { } key ? SortedPage(db, wanted, key, start, size) : wanted.Page(db, start, size);
        var total = wanted.Count(db);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("rooms"u8);
            foreach (var row in page.Select(room => RoomTable.Find(db, room)).OfType<RoomRow>())
            {
                RoomAdmin.Write(json, db, row, whole: false);
            }

            json.WriteEndArray();
            json.WriteNumber("offset"u8, start);
            json.WriteNumber("total_rooms"u8, total);
            if (start + size < total)
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

    /// <summary>What the order is by, where it stands in the state of each room only; null where the database knows it.</summary>
    private static Func<Session, RoomRow, string?>? KeyOf(string? order) => order switch
    {
        "creator" => (db, row) => RoomAdmin.Create(db, row)?.Sender,
        "encryption" => (db, row) => RoomAdmin.Text(db, row, "m.room.encryption", "algorithm"),
        "federatable" => (db, row) => RoomAdmin.IsFederatable(RoomAdmin.Create(db, row)) ? "1" : "0",
        "join_rules" => (db, row) => RoomAdmin.Text(db, row, "m.room.join_rules", "join_rule"),
        "guest_access" => (db, row) => RoomAdmin.Text(db, row, "m.room.guest_access", "guest_access"),
        "history_visibility" => (db, row) => RoomAdmin.Text(db, row, "m.room.history_visibility", "history_visibility"),
        _ => null,
    };

    private static List<long> SortedPage(Session db, RoomListing wanted, Func<Session, RoomRow, string?> key, long start, long size)
    {
        var keyed = wanted.Page(db, 0, long.MaxValue)
            .Select(room => (Room: room, Key: RoomTable.Find(db, room) is { } row ? key(db, row) : null))
            .ToList();
        var sorted = wanted.Backward
            ? keyed.OrderByDescending(room => room.Key, StringComparer.Ordinal)
            : keyed.OrderBy(room => room.Key, StringComparer.Ordinal);
        return [.. sorted.Select(room => room.Room).Skip((int)Math.Min(start, int.MaxValue)).Take((int)size)];
    }
}
