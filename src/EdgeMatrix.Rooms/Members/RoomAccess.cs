using System.Text.Json;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Members;

/// <summary>Whether somebody may be told what a room is: its name and topic, how many are in it, how to come in.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#spaces</remarks>
public static class RoomAccess
{
    /// <param name="user">Nid of the user.</param>
    public static bool MayKnow(Session db, RoomRow room, RoomVersion version, long user)
    {
        return MembershipTable.Find(db, room.Nid, user)?.Membership is Membership.Join or Membership.Invite or Membership.Knock
            || MayKnow(db, room, version, other => MembershipTable.Find(db, other, user)?.Membership == Membership.Join);
    }

    /// <summary>Whether a user may be told of a room that another server tells this one of.</summary>
    /// <param name="summary">A <c>RoomSummary</c>, an object.</param>
    /// <param name="user">Nid of the user.</param>
    public static bool MayKnow(Session db, JsonElement summary, long user) =>
        JsonContent.Text(summary, "join_rule") is "public" or "knock" or "knock_restricted"
        || (summary.TryGetProperty("world_readable"u8, out var readable) && readable.ValueKind == JsonValueKind.True)
        || (summary.TryGetProperty("allowed_room_ids"u8, out var allowed)
            && allowed.ValueKind == JsonValueKind.Array
            && allowed.EnumerateArray().Any(room => room.ValueKind == JsonValueKind.String
                && RoomTable.Find(db, room.GetString()!) is { } other
                && MembershipTable.Find(db, other.Nid, user)?.Membership == Membership.Join));

    /// <summary>Whether another server may be told, for some user of its own.</summary>
    public static bool MayServerKnow(Session db, RoomRow room, RoomVersion version, string server) =>
        RoomServerTable.IsIn(db, room.Nid, server)
        || MayKnow(db, room, version, other => RoomServerTable.IsIn(db, other, server));

    private static bool MayKnow(Session db, RoomRow room, RoomVersion version, Func<long, bool> isIn)
    {
        var joinRules = RoomStateReader.Find(db, version, room.State, "m.room.join_rules", "")?.Content ?? default;
        if (JsonContent.Text(joinRules, "join_rule") is "public" or "knock" or "knock_restricted")
        {
            return true;
        }

        var visibility = RoomStateReader.Find(db, version, room.State, "m.room.history_visibility", "")?.Content ?? default;
        return JsonContent.Text(visibility, "history_visibility") == "world_readable" || IsAllowed(db, joinRules, isIn);
    }

    /// <summary>The rooms whose members may join a restricted room; none if the room is not restricted.</summary>
    public static List<string> AllowedRooms(JsonElement joinRules) =>
        JsonContent.Text(joinRules, "join_rule") is "restricted" or "knock_restricted"
        && joinRules.TryGetProperty("allow", out var allow)
        && allow.ValueKind == JsonValueKind.Array
            ? [.. allow.EnumerateArray()
                .Where(condition => JsonContent.Text(condition, "type") == "m.room_membership")
                .Select(condition => JsonContent.Text(condition, "room_id")).OfType<string>()]
            : [];

    private static bool IsAllowed(Session db, JsonElement joinRules, Func<long, bool> isIn) =>
        AllowedRooms(joinRules).Any(roomId => RoomTable.Find(db, roomId) is { } other && isIn(other.Nid));
}
