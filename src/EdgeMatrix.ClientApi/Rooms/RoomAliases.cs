using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Api.Rooms;
using EdgeMatrix.ClientApi.AppServices;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>Room aliases: names for rooms that this server owns.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#room-aliases</remarks>
internal static class RoomAliases
{
    /// <summary><c>GET /_matrix/client/v3/directory/room/{roomAlias}</c></summary>
    public static async Task<IResult> Resolve(
        string roomAlias, HttpRequest request, RoomEngine engine, AppServiceQueries queries, RemoteRooms remote)
    {
        if (!RoomAlias.TryParse(roomAlias, out var alias))
        {
            return MatrixError.InvalidParam("Not a room alias");
        }

        var (found, error) = await MadeOnDemand.FindAliasAsync(engine, queries, alias.Value, request.HttpContext.RequestAborted);
        if (found is null && error is null && !engine.Server.Owns(alias.Value))
        {
            return await ResolveRemote(alias, remote, request.HttpContext.RequestAborted);
        }

        if (found is null)
        {
            return error ?? MatrixError.NotFound("Room alias not found");
        }

        using var db = engine.Database.OpenSnapshot();
        return Answer(new RemoteAlias(found, ResidentServers.Of(db, engine, found)));
    }

    private static async Task<IResult> ResolveRemote(RoomAlias alias, RemoteRooms remote, CancellationToken cancellation)
    {
        var (found, failure) = await remote.ResolveAsync(alias, cancellation);
        return found is null ? RemoteError.Of(failure!, "Room alias not found") : Answer(found);
    }

    private static JsonText Answer(RemoteAlias found) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("room_id"u8, found.RoomId);
        json.WriteStartArray("servers"u8);
        foreach (var server in found.Servers)
        {
            json.WriteStringValue(server);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary><c>PUT /_matrix/client/v3/directory/room/{roomAlias}</c>: for members of the room, and application services.</summary>
    public static async Task<IResult> Create(
        string roomAlias, HttpRequest request, Requester requester, RoomEngine engine, KnownAppServices appServices)
    {
        if (!RoomAlias.TryParse(roomAlias, out var alias))
        {
            return MatrixError.InvalidParam("Not a room alias");
        }

        if (!engine.Server.Owns(alias.Value))
        {
            return MatrixError.InvalidParam($"Aliases made here end in :{engine.Server.Name}");
        }

        if (!appServices.MayManageAlias(alias.Value, requester.AppService))
        {
            return Reserved(requester);
        }

        var (body, error) = await request.ReadJsonAsync(RoomsJson.Default.CreateAliasRequest);
        if (error is not null)
        {
            return error;
        }

        if (engine.Find(body!.RoomId) is not { } room)
        {
            return RoomSending.NotInRoom();
        }

        // "The homeserver needs to give the application service full control over its namespace, both for users and for room aliases."
        if (requester.AppService is null)
        {
            var (view, closed) = RoomView.Open(engine, requester, body.RoomId);
            using (view)
            {
                if (view is not { IsJoined: true })
                {
                    return closed ?? MatrixError.Forbidden("Only members give a room an alias");
                }
            }
        }

        // A taken alias is 409 M_UNKNOWN; M_ROOM_IN_USE belongs to createRoom.
        return await engine.Database.WriteAsync(db => RoomAliasTable.TryAdd(db, alias.Value, room.Nid, requester.UserNid))
            ? JsonText.Empty
            : MatrixError.Conflict($"Room alias {alias.Value} already exists");
    }

    /// <summary><c>DELETE /_matrix/client/v3/directory/room/{roomAlias}</c>: for whoever made it, moderators and admins.</summary>
    public static async Task<IResult> Delete(string roomAlias, Requester requester, RoomEngine engine, KnownAppServices appServices)
    {
        if (!RoomAlias.TryParse(roomAlias, out var alias))
        {
            return MatrixError.InvalidParam("Not a room alias");
        }

        if (!requester.IsAdmin && !appServices.MayManageAlias(alias.Value, requester.AppService))
        {
            return Reserved(requester);
        }

        (long Room, string RoomId, long Creator)? found;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            found = RoomAliasTable.Find(snapshot, alias.Value);
        }

        if (found is not { } row)
        {
            return MatrixError.NotFound("Room alias not found");
        }

        if (row.Creator != requester.UserNid && !requester.IsAdmin && requester.AppService is null && !MayPublish(engine, requester, row.RoomId))
        {
            return MatrixError.Forbidden("Only whoever made the alias and moderators of the room may delete it");
        }

        await engine.Database.WriteAsync(db => RoomAliasTable.Remove(db, alias.Value));
        if (!requester.IsSuspended && engine.Find(row.RoomId) is { } room)
        {
            // "delete the alias and return a successful response even if the user does not have permission to update the m.room.canonical_alias event"
            await engine.SendAsync(
                room,
                state => state("m.room.canonical_alias", "") is { } canonical && CanonicalAlias.Without(canonical.Content, alias.Value) is { } others
                    ? new EventDraft("m.room.canonical_alias", "", requester.UserId, others)
                    : default(Outcome<EventDraft>),
                null,
                CancellationToken.None);
        }

        return JsonText.Empty;
    }

    /// <summary><c>GET /_matrix/client/v3/rooms/{roomId}/aliases</c></summary>
    public static IResult OfRoom(string roomId, Requester requester, RoomEngine engine)
    {
        var (view, error) = RoomView.Open(engine, requester, roomId);
        using (view)
        {
            if (view is null)
            {
                return error!;
            }

            var aliases = RoomAliasTable.OfRoom(view.Db, view.Room.Nid);
            return JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("aliases"u8);
                aliases.ForEach(json.WriteStringValue);
                json.WriteEndArray();
                json.WriteEndObject();
            });
        }
    }

    /// <summary>The answer to whoever would make or delete an alias that is another's.</summary>
    public static MatrixError Reserved(Requester requester) => MatrixError.Exclusive(requester.AppService is null
        ? "That alias is reserved for an application service"
        : "That alias is none of those of this application service");

    /// <summary>Whether the user is joined and may say how the room is found: who may set its canonical alias.</summary>
    public static bool MayPublish(RoomEngine engine, Requester requester, string roomId)
    {
        var (view, _) = RoomView.Open(engine, requester, roomId);
        using (view)
        {
            if (view is not { IsJoined: true } || view.FindState("m.room.create", "") is not { } create)
            {
                return false;
            }

            var stored = view.FindState("m.room.power_levels", "");
            var powerLevels = PowerLevels.From(view.Room.Version, stored is null ? null : view.Parse(stored), view.Parse(create));
            return powerLevels.ForUser(requester.UserId) >= powerLevels.RequiredFor("m.room.canonical_alias", isState: true);
        }
    }
}
