using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.ClientApi.ClientConfig;

/// <summary>What is kept for a user is that user's alone.</summary>
internal static class Own
{
    /// <summary>Null if the user of the path is the requester.</summary>
    public static MatrixError? Refuse(string userId, Requester requester) =>
        userId == requester.UserId ? null : MatrixError.Forbidden("That is another user's");

    /// <summary>The nid of the room of the path, in which the requester is, was, or is awaited.</summary>
    public static (long Room, MatrixError? Error) Room(string userId, string roomId, Requester requester, RoomEngine engine)
    {
        if (Refuse(userId, requester) is { } refused)
        {
            return (0, refused);
        }

        if (!RoomId.IsValid(roomId))
        {
            return (0, MatrixError.InvalidParam("Not a room ID"));
        }

        // Whoever never had to do with a room is not told whether it exists.
        if (engine.Find(roomId) is { } room)
        {
            using var snapshot = engine.Database.OpenSnapshot();
            if (MembershipTable.Find(snapshot, room.Nid, requester.UserNid) is not null)
            {
                return (room.Nid, null);
            }
        }

        return (0, MatrixError.NotFound("You are not in the room, and never were, or it does not exist"));
    }
}
