using System.Text;
using System.Text.Json;
using EdgeMatrix.Accounts;
using EdgeMatrix.Rooms.Engine;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.ClientConfig;

/// <summary>The tags that the requester puts on rooms.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#room-tagging</remarks>
internal static class Tags
{
    // "The total length of the tag, including its namespace, MUST NOT exceed 255 bytes."
    private const int MaxTagBytes = 255;

    /// <summary><c>GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags</c></summary>
    public static IResult List(string userId, string roomId, Requester requester, RoomTags tags, RoomEngine engine)
    {
        var (room, refused) = Own.Room(userId, roomId, requester, engine);
        return (IResult?)refused ?? new JsonText(tags.List(requester.UserNid, room));
    }

    /// <summary><c>PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}</c></summary>
    public static async Task<IResult> Set(
        string userId, string roomId, string tag, HttpRequest request, Requester requester, RoomTags tags, RoomEngine engine)
    {
        var (body, error) = await request.ReadObjectOrEmptyAsync();
        if (error is not null)
        {
            return error;
        }

        var (room, refused) = Own.Room(userId, roomId, requester, engine);
        if (refused is not null)
        {
            return refused;
        }

        if (Encoding.UTF8.GetByteCount(tag) > MaxTagBytes)
        {
            return MatrixError.InvalidParam($"The tag has more than {MaxTagBytes} bytes");
        }

        if (body.TryGetProperty("order", out var order)
            && !(order.ValueKind == JsonValueKind.Number && order.TryGetDouble(out var place) && place is >= 0 and <= 1))
        {
            return MatrixError.BadJson("order is not a number between 0 and 1");
        }

        await tags.SetAsync(requester.UserNid, room, tag, body);
        return JsonText.Empty;
    }

    /// <summary><c>DELETE /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}</c></summary>
    public static async Task<IResult> Remove(
        string userId, string roomId, string tag, Requester requester, RoomTags tags, RoomEngine engine)
    {
        var (room, refused) = Own.Room(userId, roomId, requester, engine);
        if (refused is not null)
        {
            return refused;
        }

        await tags.RemoveAsync(requester.UserNid, room, tag);
        return JsonText.Empty;
    }
}
