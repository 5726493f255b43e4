using System.Text.Json;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Api.Rooms;
using EdgeMatrix.ClientApi.ThirdParties;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>The published room directory.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#published-room-directory</remarks>
internal static class PublishedRooms
{
    /// <summary><c>GET /_matrix/client/v3/directory/list/room/{roomId}</c></summary>
    public static IResult GetVisibility(string roomId, RoomEngine engine)
    {
        using var snapshot = engine.Database.OpenSnapshot();
        if (RoomTable.Find(snapshot, roomId) is not { } room)
        {
            return MatrixError.NotFound("The room is not known here");
        }

        var listed = RoomTable.IsListed(snapshot, room.Nid);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("visibility"u8, listed ? "public" : "private");
            json.WriteEndObject();
        });
    }

    /// <summary><c>PUT /_matrix/client/v3/directory/list/room/{roomId}</c>: for moderators of the room and admins.</summary>
    public static async Task<IResult> SetVisibility(string roomId, HttpRequest request, Requester requester, RoomEngine engine)
    {
        var (body, error) = await request.ReadJsonOrEmptyAsync(RoomsJson.Default.DirectoryVisibilityRequest);
        if (error is not null)
        {
            return error;
        }

        var visibility = body?.Visibility ?? "public";
        if (visibility is not ("public" or "private"))
        {
            return MatrixError.InvalidParam("visibility must be public or private");
        }

        if (engine.Find(roomId) is not { } room)
        {
            return MatrixError.NotFound("The room is not known here");
        }

        if (!requester.IsAdmin && !RoomAliases.MayPublish(engine, requester, roomId))
        {
            return MatrixError.Forbidden("Only those who may set the canonical alias of the room may publish it");
        }

        await engine.Database.WriteAsync(db => RoomTable.SetListed(db, room.Nid, visibility == "public"));
        return JsonText.Empty;
    }

    /// <summary><c>GET /_matrix/client/v3/publicRooms</c></summary>
    public static async Task<IResult> List(
        string? since, string? server, HttpRequest request, RoomEngine engine, KnownAppServices appServices, RemoteRooms remote, AnswerSpool spool)
    {
        var (limit, badLimit) = request.QueryInteger("limit", min: 0);
        return badLimit ?? await Answer(
            engine, appServices, remote, spool, server, new PublicRoomsRequest { Limit = limit, Since = since }, request.HttpContext.RequestAborted);
    }

    /// <summary><c>POST /_matrix/client/v3/publicRooms</c></summary>
    public static async Task<IResult> Search(
        string? server, HttpRequest request, RoomEngine engine, KnownAppServices appServices, RemoteRooms remote, AnswerSpool spool)
    {
        var (body, error) = await request.ReadJsonOrEmptyAsync(DirectoryJson.Default.PublicRoomsRequest);
        return error ?? await Answer(
            engine, appServices, remote, spool, server, body ?? new PublicRoomsRequest(), request.HttpContext.RequestAborted);
    }

    private static async Task<IResult> Answer(
        RoomEngine engine,
        KnownAppServices appServices,
        RemoteRooms remote,
        AnswerSpool spool,
        string? server,
        PublicRoomsRequest request,
        CancellationToken cancellation)
    {
        // "Can only be used if include_all_networks is false."
        if (request is { IncludeAllNetworks: true, ThirdPartyInstanceId: not null })
        {
            return MatrixError.InvalidParam("third_party_instance_id and include_all_networks exclude each other");
        }

        if (server is not null && server != engine.Server.Name)
        {
            return await Remote(server, request, remote, cancellation);
        }

        var directory = request.IncludeAllNetworks is true ? RoomDirectory.All
            : request.ThirdPartyInstanceId is { } instance ? ThirdPartyInstance.DirectoryOf(instance, appServices)
            : RoomDirectory.Own;
        return DirectoryPage.Answer(engine, spool, directory, request);
    }

    private static async Task<IResult> Remote(string server, PublicRoomsRequest request, RemoteRooms remote, CancellationToken cancellation)
    {
        if (!ServerName.IsValid(server))
        {
            return MatrixError.InvalidParam("server is no server name");
        }

        var answer = await remote.SearchAsync(
            server, JsonSerializer.SerializeToUtf8Bytes(request, DirectoryJson.Default.PublicRoomsRequest), cancellation);
        if (answer.Json is not { } page)
        {
            return RemoteError.Of(answer.Failure!, $"{server} has no room directory that can be asked");
        }

        return page.TryGetProperty("chunk"u8, out var chunk) && chunk.ValueKind == JsonValueKind.Array
            ? JsonText.Write(json => page.WriteTo(json))
            : new MatrixError(StatusCodes.Status504GatewayTimeout, "M_UNKNOWN", $"{server} gave no answer that can be used");
    }
}
