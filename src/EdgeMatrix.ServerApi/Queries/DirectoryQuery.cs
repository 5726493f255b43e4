using EdgeMatrix.Api.Rooms;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Queries;

/// <summary><c>GET /_matrix/federation/v1/query/directory</c>: which room an alias of this server stands for.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory</remarks>
internal static class DirectoryQuery
{
    public static async Task<IResult> Get(HttpRequest request, RoomEngine engine, AppServiceQueries queries)
    {
        var (text, missing) = request.QueryRequired("room_alias");
        if (missing is not null)
        {
            return missing;
        }

        if (!RoomAlias.TryParse(text, out var alias) || !engine.Server.Owns(alias.Value))
        {
            return MatrixError.InvalidParam("Not a room alias of this server");
        }

        if (Find(engine, alias.Value) is null)
        {
            await queries.AliasAsync(alias.Value, request.HttpContext.RequestAborted);
        }

        using var db = engine.Database.OpenSnapshot();
        return RoomAliasTable.Find(db, alias.Value)?.RoomId is not { } roomId
            ? MatrixError.NotFound("Room alias not found")
            : JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("room_id"u8, roomId);
                json.WriteStartArray("servers"u8);
                ResidentServers.Of(db, engine, roomId).ForEach(json.WriteStringValue);
                json.WriteEndArray();
                json.WriteEndObject();
            });
    }

    private static string? Find(RoomEngine engine, string alias)
    {
        using var db = engine.Database.OpenSnapshot();
        return RoomAliasTable.Find(db, alias)?.RoomId;
    }
}
