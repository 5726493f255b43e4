using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Which rooms take most of the database.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/statistics.html#get-largest-rooms-by-size-in-database</remarks>
internal static class RoomSizes
{
    private const int Largest = 10;

    /// <summary><c>GET /_synapse/admin/v1/statistics/database/rooms</c>: by what their messages take; <c>edgematrix storage</c> tells all.</summary>
    public static IResult Get(Database database)
    {
        using var db = database.OpenSnapshot();
        var rooms = RoomTable.MessageBytes(db, moreThan: 0).OrderByDescending(room => room.Value).Take(Largest)
            .Select(room => (RoomTable.Find(db, room.Key)?.RoomId, Bytes: room.Value)).ToList();
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("rooms"u8);
            foreach (var (roomId, bytes) in rooms)
            {
                json.WriteStartObject();
                json.WriteString("room_id"u8, roomId);
                json.WriteNumber("estimated_size"u8, bytes);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }
}
