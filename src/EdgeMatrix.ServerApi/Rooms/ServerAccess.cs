using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>Whether a server may take part in a room.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls</remarks>
internal static class ServerAccess
{
    /// <summary>A refusal, if the room's access control list has the server denied.</summary>
    public static MatrixError? RefuseByAcl(Session db, RoomRow room, RoomVersion version, string server) =>
        RoomServers.IsDenied(db, room, version, server) ? MatrixError.Forbidden("Your server is not allowed in this room") : null;

    /// <summary>A refusal, if the server is denied, or none of its users is joined.</summary>
    public static MatrixError? Refuse(Session db, RoomRow room, RoomVersion version, string server) =>
        RefuseByAcl(db, room, version, server)
        ?? (RoomServerTable.IsIn(db, room.Nid, server) ? null : MatrixError.Forbidden("Your server is not in the room"));
}
