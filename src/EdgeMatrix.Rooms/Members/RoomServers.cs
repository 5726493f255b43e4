using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Members;

/// <summary>Which servers may take part in a room.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls</remarks>
public static class RoomServers
{
    /// <summary>Whether the room's access control list has the server denied.</summary>
    public static bool IsDenied(Session db, RoomRow room, RoomVersion version, string server) =>
        RoomStateReader.Find(db, version, room.State, "m.room.server_acl", "") is { } acl && !new ServerAcl(acl.Content).Allows(server);
}
