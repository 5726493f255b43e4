using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#room-upgrades</remarks>
internal static class RoomUpgrades
{
    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/upgrade</c></summary>
    public static async Task<IResult> Upgrade(
        string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomUpgrade upgrade)
    {
        var (body, error) = await request.ReadJsonAsync(RoomsJson.Default.UpgradeRequest);
        if (error is not null)
        {
            return error;
        }

        if (body!.AdditionalCreators?.Contains(null) == true)
        {
            return MatrixError.BadJson("additional_creators must hold user IDs");
        }

        if (engine.Find(roomId) is not { } room)
        {
            return MatrixError.NotFound("This server knows no such room");
        }

        var (replacement, refusal) = await upgrade.UpgradeAsync(
            room, requester.UserId, body.NewVersion, [.. (body.AdditionalCreators ?? []).OfType<string>()], request.HttpContext.RequestAborted);
        return refusal is not null ? MatrixError.From(refusal) : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("replacement_room"u8, replacement!.Id);
            json.WriteEndObject();
        });
    }
}
