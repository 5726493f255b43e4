using EdgeMatrix.ClientApi.AppServices;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms.Engine;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>Which room a client means that wants to come into it, and by which servers it may: those that it names, and those of an alias.</summary>
internal sealed class RoomTargets(RoomEngine engine, AppServiceQueries queries, RemoteRooms remote)
{
    public RoomEngine Engine => engine;

    /// <summary>Finds the room of an id or alias of the path; <c>via</c> of the query names servers, and so does its older name.</summary>
    public async Task<((string RoomId, List<string?> Servers)? Target, MatrixError? Error)> FindAsync(string roomIdOrAlias, HttpRequest request)
    {
        List<string?> servers = [.. request.Query["via"], .. request.Query["server_name"]];
        if (RoomId.IsValid(roomIdOrAlias))
        {
            return ((roomIdOrAlias, servers), null);
        }

        if (!RoomAlias.TryParse(roomIdOrAlias, out var alias))
        {
            return (null, MatrixError.InvalidParam("Not a room ID or alias"));
        }

        var cancellation = request.HttpContext.RequestAborted;
        var (own, noAnswer) = await MadeOnDemand.FindAliasAsync(engine, queries, alias.Value, cancellation);
        if (own is not null)
        {
            return ((own, servers), null);
        }

        if (noAnswer is not null || engine.Server.Owns(alias.Value))
        {
            return (null, noAnswer ?? MatrixError.NotFound("No room of that alias is known here"));
        }

        var (found, failure) = await remote.ResolveAsync(alias, cancellation);
        return found is null
            ? (null, RemoteError.Of(failure!, "No room of that alias is known"))
            : ((found.RoomId, [.. found.Servers, .. servers]), null);
    }
}
