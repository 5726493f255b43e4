using System.Text.Json;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Storage;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Presence;

/// <summary>Whether users are there.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#presence</remarks>
internal static class PresenceEndpoints
{
    private const int MaxMessageLength = 1_000;

    /// <summary><c>GET /_matrix/client/v3/presence/{userId}/status</c></summary>
    public static IResult Get(string userId, Requester requester, UserPresence presence, RoomEngine engine)
    {
        using (var db = engine.Database.OpenSnapshot())
        {
            if (UserTable.Find(db, userId) is not { } user || !UserPresence.MaySee(db, requester.UserNid, user))
            {
                return MatrixError.Forbidden("You share no room with that user");
            }

            return JsonText.Write(json =>
            {
                json.WriteStartObject();
                presence.Get(user, userId).WriteFields(json, engine.Time.GetUtcNow().ToUnixTimeMilliseconds());
                json.WriteEndObject();
            });
        }
    }

    /// <summary><c>PUT /_matrix/client/v3/presence/{userId}/status</c></summary>
    public static async Task<IResult> Set(string userId, HttpRequest request, Requester requester, UserPresence presence)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        if (userId != requester.UserId)
        {
            return MatrixError.Forbidden("You can set your own presence only");
        }

        if (!body.TryGetProperty("presence"u8, out _))
        {
            return MatrixError.MissingParam("presence");
        }

        if (PresenceJson.Parse(JsonContent.Text(body, "presence")) is not { } state)
        {
            return MatrixError.InvalidParam("presence must be online, offline or unavailable");
        }

        if (body.TryGetProperty("status_msg"u8, out var given) && given.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
        {
            return MatrixError.BadJson("status_msg must be a string");
        }

        var message = JsonContent.Text(body, "status_msg");
        if (message?.Length > MaxMessageLength)
        {
            return MatrixError.TooLarge($"status_msg has more than {MaxMessageLength} characters");
        }

        await presence.SetAsync(requester.UserNid, requester.UserId, requester.DeviceNid, state, message);
        return JsonText.Empty;
    }
}
