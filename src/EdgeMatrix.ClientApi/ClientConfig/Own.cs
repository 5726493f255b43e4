using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms.Engine;

namespace EdgeMatrix.ClientApi.ClientConfig;

/// <summary>What is kept for a user is that user's alone.</summary>
internal static class Own
{
    /// <summary>Null if the user of the path is the requester.</summary>
    public static MatrixError? Refuse(string userId, Requester requester) =>
        userId == requester.UserId ? null : MatrixError.Forbidden("That is another user's");

    /// <summary>The nid of the room of the path.</summary>
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

        return engine.Find(roomId) is { } room ? (room.Nid, null) : (0, MatrixError.NotFound("The room is not known here"));
    }
}
