using System.Text.Json;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Storage.Search;

namespace EdgeMatrix.Rooms.Directory;

/// <param name="DisplayName">Null: none.</param>
/// <param name="AvatarUrl">Likewise.</param>
public sealed record FoundUser(long User, string UserId, string? DisplayName, string? AvatarUrl);

/// <summary>Finds users by the beginnings of the words of their names, for one who may know of them.</summary>
/// <remarks>
/// Looks through the accounts of this server, which are few, where what may be known of one is looked up only if the name fits; and through
/// those whom the asking user shares rooms with.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch
/// </remarks>
public static class UserDirectory
{
    // Of the rooms of a user who shares none: how many are asked whether they are public.
    private const int MaxRoomsAsked = 100;

    /// <param name="user">Nid of the user who asks.</param>
    /// <returns>Users, those first whose id or name is just what was searched for, and whether there are more.</returns>
    public static (List<FoundUser> Users, bool Limited) Search(Session db, LocalServer server, long user, string text, int limit)
    {
        var terms = SearchTerms.Of(text);
        var ignored = IgnoredUsers.Read(db, user);
        var found = new List<FoundUser>();
        foreach (var row in DirectoryTable.Each(db))
        {
            var name = TextOf(row.DisplayName);
            if (Fits(row.UserId, name, text, terms) && !ignored.Contains(row.UserId) && IsKnownTo(db, user, row.User))
            {
                found.Add(new FoundUser(row.User, row.UserId, name, TextOf(ProfileTable.Get(db, row.User, "avatar_url"))));
            }
        }

        found.AddRange(RemoteAcquaintances.Of(db, server, user)
            .Where(other => Fits(other.UserId, other.DisplayName, text, terms) && !ignored.Contains(other.UserId)));
        var users = found
            .OrderByDescending(one => IsExactly(one, text))
            .ThenBy(one => one.DisplayName ?? one.UserId, StringComparer.OrdinalIgnoreCase)
            .Take(limit)
            .ToList();
        return (users, found.Count > users.Count);
    }

    private static bool Fits(string userId, string? name, string text, List<string> terms)
    {
        if (userId.Contains(text, StringComparison.OrdinalIgnoreCase) && text.Length > 0)
        {
            return true;
        }

        var words = SearchTerms.Of($"{name} {userId}");
        return terms.Count > 0 && terms.TrueForAll(term => words.Exists(word => word.StartsWith(term, StringComparison.Ordinal)));
    }

    private static bool IsExactly(FoundUser one, string text) =>
        string.Equals(one.UserId, text, StringComparison.OrdinalIgnoreCase)
        || string.Equals(one.DisplayName, text, StringComparison.OrdinalIgnoreCase)
        || one.UserId.StartsWith($"@{text}:", StringComparison.OrdinalIgnoreCase);

    // Of oneself others learn by public rooms only, and so does one here. "users that share a room with the requesting user; users who are joined to rooms that have a public join rule", or a
    // "world_readable history visibility".
    private static bool IsKnownTo(Session db, long user, long other) =>
        (user != other && DirectoryTable.ShareRoom(db, user, other))
        || MembershipTable.OfUser(db, other, Membership.Join).Take(MaxRoomsAsked).Any(row => IsPublic(db, row.Room));

    private static bool IsPublic(Session db, long room)
    {
        if (RoomTable.Find(db, room) is not { } row || RoomVersions.Find(row.Version) is not { } version)
        {
            return false;
        }

        return Text("m.room.join_rules", "join_rule") == "public" || Text("m.room.history_visibility", "history_visibility") == "world_readable";

        string? Text(string type, string field) =>
            RoomStateReader.Find(db, version, row.State, type, "") is { } pdu ? JsonContent.Text(pdu.Content, field) : null;
    }

    private static string? TextOf(string? json) =>
        json is not null && JsonElement.Parse(json) is { ValueKind: JsonValueKind.String } name ? name.GetString() : null;
}
