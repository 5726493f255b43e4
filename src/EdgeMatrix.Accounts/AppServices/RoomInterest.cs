using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.AppServices;

/// <summary>Which rooms concern which application services.</summary>
/// <remarks>
/// By members it is remembered, for as long as nobody joins the room or is joined to it no longer: the newest event that did so stands in the
/// database, so that what is remembered of a write that failed is never taken for true.
/// Spec: https://spec.matrix.org/v1.19/application-service-api/#registration
/// </remarks>
public sealed class RoomInterest
{
    // Above, users of the namespace are fewer than members.
    private const int LargeRoom = 200;
    private const int EntryBytes = 120;

    private readonly KnownAppServices _services;
    private readonly BoundedCache<long, (long Version, bool[] ByMembers)> _known = new("appservice_rooms", wanted: 256 << 10, least: 32 << 10);

    public RoomInterest(KnownAppServices services, MemoryBudget memory)
    {
        _services = services;
        if (services.All.Count > 0)
        {
            memory.Add(_known);
        }
    }

    /// <summary>Whether what happens in a room is told to an application service, whoever does it.</summary>
    public bool Is(Session db, AppService service, long room, string roomId) =>
        service.IsRoom(roomId)
        || (service.Registration.Aliases.Count > 0 && RoomAliasTable.OfRoom(db, room).Exists(service.IsAlias))
        || HasMember(db, service, room);

    /// <summary>Whether a user shares a room with users of an application service, or is in a room that concerns it.</summary>
    /// <param name="user">Nid of the user.</param>
    public bool IsOfUser(Session db, AppService service, long user, string userId)
    {
        if (service.IsUser(userId))
        {
            return true;
        }

        foreach (var row in MembershipTable.OfUser(db, user, Membership.Join))
        {
            if (RoomTable.Find(db, row.Room) is { } room && Is(db, service, room.Nid, room.RoomId))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A user of an application service who is joined to a room; null if none is.</summary>
    public static (string UserId, long User)? FindMember(Session db, AppService service, long room)
    {
        if (UserTable.Find(db, service.SenderId) is { } sender && MembershipTable.Find(db, room, sender) is { Membership: Membership.Join })
        {
            return (service.SenderId, sender);
        }

        var isLarge = RoomTable.Find(db, room) is { Joined: > LargeRoom };
        foreach (var prefix in service.Registration.Users.Select(one => one.Pattern.Prefix).Distinct(StringComparer.Ordinal))
        {
            foreach (var member in MembershipTable.JoinedNames(db, room, prefix, isLarge && prefix.Length > 1))
            {
                if (service.IsUser(member.UserId))
                {
                    return member;
                }
            }
        }

        return null;
    }

    private bool HasMember(Session db, AppService service, long room)
    {
        var version = RoomTable.LastJoinChange(db, room);
        if (!_known.TryGet(room, out var known) || known.Version != version)
        {
            known = (version, [.. _services.All.Select(one => FindMember(db, one, room) is not null)]);
            _known.Set(room, known, EntryBytes + _services.All.Count);
        }

        return known.ByMembers[_services.IndexOf(service)];
    }
}
