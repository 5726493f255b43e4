using EdgeMatrix.Rooms.Creation;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom</remarks>
internal static class RoomCreationEndpoint
{
    /// <summary><c>POST /_matrix/client/v3/createRoom</c></summary>
    public static async Task<IResult> Create(HttpRequest request, Requester requester, RoomCreation creation)
    {
        var (body, error) = await request.ReadJsonAsync(RoomsJson.Default.CreateRoomRequest);
        if (error is not null)
        {
            return error;
        }

        var (room, refusal) = await creation.CreateAsync(requester.UserId, body!);
        return refusal is not null ? MatrixError.From(refusal) : RoomMembership.RoomId(room!.Id);
    }
}
