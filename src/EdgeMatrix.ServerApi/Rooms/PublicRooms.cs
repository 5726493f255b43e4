using System.Text.Json;
using EdgeMatrix.Api.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>The published room directory of this server, for users of others.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#published-room-directory</remarks>
internal static class PublicRooms
{
    /// <summary><c>GET /_matrix/federation/v1/publicRooms</c></summary>
    public static IResult List(HttpRequest request, RoomEngine engine, AnswerSpool spool)
    {
        var (limit, badLimit) = request.QueryInteger("limit", min: 0);
        var (all, badAll) = request.QueryBoolean("include_all_networks");
        return badLimit ?? badAll
            ?? Answer(engine, spool, new PublicRoomsRequest { Limit = limit, Since = request.QueryText("since"), IncludeAllNetworks = all });
    }

    /// <summary><c>POST /_matrix/federation/v1/publicRooms</c></summary>
    public static IResult Search(JsonElement content, RoomEngine engine, AnswerSpool spool)
    {
        var (body, error) = content.As(DirectoryJson.Default.PublicRoomsRequest);
        return error ?? Answer(engine, spool, body!);
    }

    // The networks of application services have names of this server's own, which others do not know.
    private static IResult Answer(RoomEngine engine, AnswerSpool spool, PublicRoomsRequest request) =>
        DirectoryPage.Answer(engine, spool, request.IncludeAllNetworks is true ? RoomDirectory.All : RoomDirectory.Own, request);
}
