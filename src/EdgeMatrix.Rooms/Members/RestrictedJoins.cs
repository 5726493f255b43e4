using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Members;

/// <summary>Joins of rooms that let the members of other rooms in: whether this server can tell that a user is one, and who of it lets the user in.</summary>
/// <remarks>
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms and
/// https://spec.matrix.org/v1.19/server-server-api/#restricted-rooms
/// </remarks>
public sealed class RestrictedJoins(RoomEngine engine)
{
    /// <summary>For <c>join_authorised_via_users_server</c>: a joined user of this server who may invite; empty where none is needed.</summary>
    /// <returns>
    /// Or why not: <see cref="RefusalKind.Forbidden"/>, the user meets no condition; <see cref="RefusalKind.UnableToAuthoriseJoin"/>, that cannot be
    /// told here; <see cref="RefusalKind.UnableToGrantJoin"/>, the user does, and nobody of this server may invite.
    /// </returns>
    public Outcome<string> AuthorisingUser(Room room, StateLookup state, string userId)
    {
        var joinRules = state("m.room.join_rules", "");
        var rule = joinRules is null ? null : JsonContent.Text(joinRules.Content, "join_rule");
        var isRestricted = (rule == "restricted" && room.Version.RestrictedJoins) || (rule == "knock_restricted" && room.Version.KnockRestrictedJoins);
        if (!isRestricted
            || (state("m.room.member", userId) is { } member && Memberships.Of(member) is Membership.Invite or Membership.Join or Membership.Ban))
        {
            return "";
        }

        if (CheckConditions(RoomAccess.AllowedRooms(joinRules!.Content), userId) is { } refusal)
        {
            return refusal;
        }

        var create = state("m.room.create", "")!;
        var powerLevels = PowerLevels.From(room.Version, state("m.room.power_levels", ""), create);
        foreach (var candidate in NamesOf(room.LocalMembers()))
        {
            if (powerLevels.ForUser(candidate) >= powerLevels.Invite
                && state("m.room.member", candidate) is { } own && Memberships.Of(own) == Membership.Join)
            {
                return candidate;
            }
        }

        return new Refusal(RefusalKind.UnableToGrantJoin, "Nobody on this server may invite you to the room");
    }

    private Refusal? CheckConditions(List<string> allowedRooms, string userId)
    {
        using var db = engine.Database.OpenSnapshot();
        var user = UserTable.Find(db, userId);
        var canTell = true;
        foreach (var roomId in allowedRooms)
        {
            var other = RoomTable.Find(db, roomId);
            if (other is not null && user is { } nid && MembershipTable.Find(db, other.Nid, nid)?.Membership == Membership.Join)
            {
                return null;
            }

            // Of a room that nobody of this server is in, it is not known who is.
            canTell &= engine.Server.Owns(userId) || (other is not null && MembershipTable.CountJoinedLocals(db, other) > 0);
        }

        return canTell
            ? Refusal.Forbidden("You are not in any of the rooms whose members may join this one")
            : new Refusal(RefusalKind.UnableToAuthoriseJoin, "This server cannot tell whether you are in a room whose members may join this one");
    }

    private List<string> NamesOf(IEnumerable<long> users)
    {
        using var snapshot = engine.Database.OpenSnapshot();
        return [.. users.Select(user => UserTable.Name(snapshot, user)).OfType<string>()];
    }
}
