using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Directory;

/// <summary>The users of other servers that a user shares a room with, as their member events say what they are called.</summary>
internal static class RemoteAcquaintances
{
    // Each costs the reading of an event: of the largest rooms not all are looked at.
    private const int MaxMembers = 2_000;

    /// <summary>Each once, those of the smallest rooms first: whom one shares a small room with one knows best.</summary>
    public static IEnumerable<FoundUser> Of(Session db, LocalServer server, long user)
    {
        var seen = new HashSet<long>();
        var rooms = MembershipTable.OfUser(db, user, Membership.Join).Select(row => RoomTable.Find(db, row.Room)).OfType<RoomRow>();
        foreach (var room in rooms.OrderBy(room => room.Joined))
        {
            foreach (var member in MembershipTable.EachInRoom(db, room.Nid, Membership.Join))
            {
                if (!seen.Add(member.User) || UserTable.Name(db, member.User) is not { } userId || server.Owns(userId))
                {
                    continue;
                }

                var content = RoomVersions.Find(room.Version) is { } version
                    ? EventTable.Find(db, member.Event)?.Parse(version).Content
                    : null;
                yield return new FoundUser(
                    member.User,
                    userId,
                    content is { } shown ? JsonContent.Text(shown, "displayname") : null,
                    content is { } pictured ? JsonContent.Text(pictured, "avatar_url") : null);
                if (seen.Count >= MaxMembers)
                {
                    yield break;
                }
            }
        }
    }
}
