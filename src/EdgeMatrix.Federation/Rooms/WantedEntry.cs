using System.Text.Json;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>A room that a user of this server wants to come into, or to knock on.</summary>
/// <param name="Residents">Names of other servers that may be in the room, those first that are the likeliest.</param>
/// <param name="More">As of <see cref="RoomMembers.JoinAsync"/>.</param>
public sealed record WantedEntry(string RoomId, string UserId, IReadOnlyList<string> Residents, string? Reason, JsonElement? More)
{
    private const int MaxResidents = 20;

    /// <summary>Names the servers that can be asked.</summary>
    /// <param name="named">Servers that the user named, or the directory that an alias is of. Whatever is not a name is passed over.</param>
    public static WantedEntry Of(
        RoomEngine engine, string roomId, string userId, IEnumerable<string?> named, string? reason = null, JsonElement? more = null)
    {
        using var db = engine.Database.OpenSnapshot();
        var residents = KnownResidents(db, engine, roomId, userId).ToList();
        var inviter = residents.Take(1);
        return new WantedEntry(
            roomId,
            userId,
            [.. inviter.Concat(named).Concat(residents.Skip(1)).Append(ServerOf(roomId)).OfType<string>()
                .Where(name => name.Length > 0 && name != engine.Server.Name && ServerName.IsValid(name))
                .Distinct()
                .Take(MaxResidents)],
            reason,
            more);
    }

    /// <summary>Who invited the user, empty if nobody did; then the servers that were in the room when this one last knew.</summary>
    private static IEnumerable<string> KnownResidents(Session db, RoomEngine engine, string roomId, string userId)
    {
        if (RoomTable.Find(db, roomId) is not { } row || engine.Find(db, row) is not { } room)
        {
            yield break;
        }

        yield return UserTable.Find(db, userId) is { } user
            && MembershipTable.Find(db, row.Nid, user) is { Membership: Membership.Invite } invited
            && EventTable.Find(db, invited.Event) is { } invite
                ? ServerOf(invite.Parse(room.Version).Sender)
                : "";
        foreach (var server in RoomServerTable.InRoom(db, row.Nid))
        {
            yield return server;
        }
    }

    // Whoever made a room is often in it; since version 12 its id does not say who that is.
    private static string ServerOf(string identifier) => identifier.IndexOf(':') is > 0 and var colon ? identifier[(colon + 1)..] : "";
}
