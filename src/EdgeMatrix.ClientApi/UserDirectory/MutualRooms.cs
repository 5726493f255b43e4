using System.Globalization;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.UserDirectory;

/// <summary>The rooms that two users share.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mutual_rooms</remarks>
internal static class MutualRooms
{
    private const int AtOnce = 100;

    /// <summary><c>GET /_matrix/client/v1/mutual_rooms</c></summary>
    public static IResult Get(HttpRequest request, Requester requester, RoomEngine engine) => Get(request, requester, engine, "from", "next_batch");

    /// <summary><c>GET /_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms</c>: the same, as clients asked for it before v1.19.</summary>
    public static IResult GetUnstable(HttpRequest request, Requester requester, RoomEngine engine) =>
        Get(request, requester, engine, "batch_token", "next_batch_token");

    private static IResult Get(HttpRequest request, Requester requester, RoomEngine engine, string fromName, string nextName)
    {
        var (userId, missing) = request.QueryRequired("user_id");
        if (missing is not null)
        {
            return missing;
        }

        if (!UserId.TryParse(userId!, out _))
        {
            return MatrixError.InvalidParam("user_id is not a user ID");
        }

        if (userId == requester.UserId)
        {
            return MatrixError.InvalidParam("You share all rooms with yourself");
        }

        long after = 0;
        if (request.QueryText(fromName) is { } from && !long.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            return MatrixError.InvalidParam($"{fromName} must be a token of this endpoint");
        }

        // "If the provided user_id is not a valid user, the server MUST return an empty list of rooms."
        using var snapshot = engine.Database.OpenSnapshot();
        List<long> rooms = UserTable.Find(snapshot, userId!) is { } user
            ? [.. MembershipTable.OfBoth(snapshot, requester.UserNid, user)
                .Where(both => both is { One.Membership: Membership.Join, Other.Membership: Membership.Join })
                .Select(both => both.One.Room)
                .Order()]
            : [];
        var page = rooms.Where(room => room > after).Take(AtOnce).ToList();
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("count"u8, rooms.Count);
            json.WriteStartArray("joined"u8);
            foreach (var room in page)
            {
                json.WriteStringValue(RoomTable.Find(snapshot, room)!.RoomId);
            }

            json.WriteEndArray();
            if (page.Count > 0 && page[^1] < rooms[^1])
            {
                json.WriteString(nextName, page[^1].ToString(CultureInfo.InvariantCulture));
            }

            json.WriteEndObject();
        });
    }
}
