using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>Of what a server may tell.</summary>
internal static class EduOrigin
{
    /// <summary>Whether the user is one of the server's.</summary>
    public static bool Owns(string origin, string? userId) => UserId.TryParse(userId, out var user) && user.ServerName == origin;

    /// <summary>The room, if somebody here is in it and its access control list does not deny the server.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls</remarks>
    public static Room? FindRoom(Session db, RoomEngine engine, string origin, string roomId) =>
        RoomTable.Find(db, roomId) is { } row && engine.Find(db, row) is { } room && !room.LocalMembers().IsEmpty
        && (RoomStateReader.Find(db, room.Version, row.State, "m.room.server_acl", "") is not { } acl
            || new ServerAcl(acl.Content).Allows(origin))
            ? room
            : null;

    public static bool IsJoined(Session db, Room room, string userId) =>
        UserTable.Find(db, userId) is { } user && MembershipTable.Find(db, room.Nid, user)?.Membership == Membership.Join;
}
