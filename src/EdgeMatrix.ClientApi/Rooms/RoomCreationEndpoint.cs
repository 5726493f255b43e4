using System.Text.Json;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.ClientApi.AppServices;
using EdgeMatrix.ClientApi.ThirdPartyIdentifiers;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Delivery.Identity;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom</remarks>
internal static class RoomCreationEndpoint
{
    // Bridges are asked one user after the other, while the client waits.
    private const int MaxAskedFor = 10;

    // Each is asked of at an identity server, and mailed.
    private const int MaxThirdParty = 20;

    /// <summary><c>POST /_matrix/client/v3/createRoom</c></summary>
    public static async Task<IResult> Create(
        HttpRequest request, Requester requester, RoomCreation creation, RoomEngine engine, KnownAppServices appServices, AppServiceQueries queries,
        ThirdPartyInvites thirdParty)
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

        if (body.Invite3pid is { Length: > MaxThirdParty } || body.Invite3pid?.Any(invite => ThirdParty(invite) is null) is true)
        {
            return MatrixError.InvalidParam($"invite_3pid must have address, id_access_token, id_server and medium, and at most {MaxThirdParty} of them");
        }

        var (room, refusal) = await creation.CreateAsync(requester.UserId, body);
        if (refusal is not null)
        {
            return MatrixError.From(refusal);
        }

        // As with users of other servers: whether they can be invited or not, the room is there.
        foreach (var (identity, medium, address) in (body.Invite3pid ?? []).Select(invite => ThirdParty(invite)!.Value))
        {
            await thirdParty.InviteAsync(room!, requester.UserId, identity, medium, address, null, CancellationToken.None);
        }

        return RoomMembership.RoomId(room!.Id);
    }

    private static (IdentityServer Identity, string Medium, string Address)? ThirdParty(JsonElement invite) =>
        JsonContent.Text(invite, "id_server") is { } idServer && JsonContent.Text(invite, "id_access_token") is { } token
        && JsonContent.Text(invite, "medium") is { } medium && JsonContent.Text(invite, "address") is { } address
            ? (new IdentityServer(idServer, token), medium, ThreePidJson.Canonical(medium, address) ?? address)
            : null;
}
