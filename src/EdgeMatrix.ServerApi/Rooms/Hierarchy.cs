using EdgeMatrix.Api.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Spaces;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary><c>GET /_matrix/federation/v1/hierarchy/{roomId}</c>: a space, and the rooms right below it, as far as they are known here.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid</remarks>
internal static class Hierarchy
{
    /// <summary>Children beyond these are left to servers that have a page for them.</summary>
    private const int MaxChildren = 100;

    public static IResult Get(string roomId, string origin, HttpRequest request, RoomEngine engine, AnswerSpool spool)
    {
        var (suggestedOnly, bad) = request.QueryBoolean("suggested_only");
        if (bad is not null)
        {
            return bad;
        }

        using var db = engine.Database.OpenSnapshot();
        if (SpaceHierarchy.Find(db, roomId, origin, suggestedOnly ?? false) is not { } root)
        {
            return MatrixError.NotFound("The room is not known here, or not to you");
        }

        var children = root.Children.Take(MaxChildren)
            .Select(child => (Id: child.RoomId, Known: RoomTable.Find(db, child.RoomId) is not null, Room: SpaceHierarchy.Find(db, child.RoomId, origin, false)))
            .ToList();
        return LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WritePropertyName("room"u8);
            PublishedRoom.WriteOfSpace(json, db, root);
            json.WriteStartArray("children"u8);
            foreach (var (_, _, room) in children)
            {
                if (room is not null)
                {
                    json.WriteStartObject();
                    new PublishedRoom(db, room.Row, room.Version).WriteSummary(json);
                    json.WriteEndObject();
                }
            }

            json.WriteEndArray();

            // "Rooms which the responding server could not peek ... are simply not included"; those that it knows, and may not tell, are named.
            json.WriteStartArray("inaccessible_children"u8);
            foreach (var (id, known, room) in children)
            {
                if (known && room is null)
                {
                    json.WriteStringValue(id);
                }
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }
}
