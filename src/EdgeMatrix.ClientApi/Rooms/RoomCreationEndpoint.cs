using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.ClientApi.AppServices;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom</remarks>
internal static class RoomCreationEndpoint
{
    // Bridges are asked one user after the other, while the client waits.
    private const int MaxAskedFor = 10;

    /// <summary><c>POST /_matrix/client/v3/createRoom</c></summary>
    public static async Task<IResult> Create(
        HttpRequest request, Requester requester, RoomCreation creation, RoomEngine engine, KnownAppServices appServices, AppServiceQueries queries)
    {
        var (body, error) = await request.ReadJsonAsync(RoomsJson.Default.CreateRoomRequest);
        if (error is not null)
        {
            return error;
        }

        if (body!.RoomAliasName is { } name && !appServices.MayManageAlias($"#{name}:{engine.Server.Name}", requester.AppService))
        {
            return RoomAliases.Reserved(requester);
        }

        // Whether there is such a user or not, they are invited.
        foreach (var invited in (body.Invite ?? []).OfType<string>().Take(MaxAskedFor))
        {
            if (await MadeOnDemand.FindUserAsync(engine, queries, invited, request.HttpContext.RequestAborted) is not null)
            {
                break;
            }
        }

        var (room, refusal) = await creation.CreateAsync(requester.UserId, body!);
        return refusal is not null ? MatrixError.From(refusal) : RoomMembership.RoomId(room!.Id);
    }
}
