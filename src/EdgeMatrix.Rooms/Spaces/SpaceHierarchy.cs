using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Spaces;

/// <param name="Children">The valid <c>m.space.child</c> events, in their order; empty if the room is not a space.</param>
public sealed record SpaceRoom(RoomRow Row, RoomVersion Version, List<Pdu> Children);

/// <param name="SuggestedOnly">Only of children that the space suggests.</param>
/// <param name="MaxDepth">How far below the root; 0: the root alone.</param>
public sealed record HierarchyQuery(bool SuggestedOnly, int MaxDepth);

/// <summary>Walks the tree of a space, depth first, through the rooms that are known here and that a user may know of.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#discovering-rooms-within-spaces</remarks>
public static class SpaceHierarchy
{
    /// <summary>Letters of a valid <c>order</c>.</summary>
    private const int MaxOrderLength = 50;

    /// <param name="user">Nid of the user; null: whoever may know of all rooms.</param>
    /// <param name="skip">How many rooms from the root on to pass over.</param>
    /// <returns>Null if the user may not know of the root.</returns>
    public static (List<SpaceRoom> Rooms, bool More)? Page(Session db, string rootId, long? user, HierarchyQuery query, int skip, int limit)
    {
        var page = new List<SpaceRoom>();
        var seen = new HashSet<string>();
        var waiting = new Stack<(string RoomId, int Depth)>();
        waiting.Push((rootId, 0));
        while (waiting.TryPop(out var next))
        {
            // Servers should gracefully break loops.
            if (!seen.Add(next.RoomId)
                || RoomTable.Find(db, next.RoomId) is not { } row
                || RoomVersions.Find(row.Version) is not { } version
                || (user is { } who && !RoomAccess.MayKnow(db, row, version, who)))
            {
                if (next.Depth == 0)
                {
                    return null;
                }

                continue;
            }

            if (page.Count == limit)
            {
                return (page, true);
            }

            var room = new SpaceRoom(row, version, Children(db, row, version, query.SuggestedOnly));
            if (skip > 0)
            {
                skip--;
            }
            else
            {
                page.Add(room);
            }

            if (next.Depth < query.MaxDepth)
            {
                foreach (var child in Enumerable.Reverse(room.Children))
                {
                    waiting.Push((child.StateKey!, next.Depth + 1));
                }
            }
        }

        return (page, false);
    }

    /// <summary>One room of the tree, for another server.</summary>
    /// <returns>Null if the server may not know of the room.</returns>
    public static SpaceRoom? Find(Session db, string roomId, string server, bool suggestedOnly) =>
        RoomTable.Find(db, roomId) is { } row
        && RoomVersions.Find(row.Version) is { } version
        && RoomAccess.MayServerKnow(db, row, version, server)
            ? new SpaceRoom(row, version, Children(db, row, version, suggestedOnly))
            : null;

    private static List<Pdu> Children(Session db, RoomRow row, RoomVersion version, bool suggestedOnly)
    {
        if (RoomStateReader.Find(db, version, row.State, "m.room.create", "") is not { } create
            || JsonContent.Text(create.Content, "type") != "m.space")
        {
            return [];
        }

        var keys = StateKeyTable.SpaceChildren(db, row.Nid);
        var events = EventTable.FindMany(db, StateNodes.FindMany(db, row.State, keys.ToArray()).Select(entry => entry.Event));
        return [.. events.Values.Select(stored => stored.Parse(version))
            .Where(child => IsValid(child, suggestedOnly))
            .OrderBy(child => Order(child) is null)
            .ThenBy(Order, StringComparer.Ordinal)
            .ThenBy(child => child.OriginServerTs)
            .ThenBy(child => child.StateKey, StringComparer.Ordinal)];
    }

    // Child rooms can be removed from a space by omitting the via key of content.
    private static bool IsValid(Pdu child, bool suggestedOnly) =>
        child.Content.TryGetProperty("via", out var via)
        && via.ValueKind == JsonValueKind.Array
        && via.EnumerateArray().Any(server => server.ValueKind == JsonValueKind.String)
        && (!suggestedOnly || (child.Content.TryGetProperty("suggested", out var suggested) && suggested.ValueKind == JsonValueKind.True));

    // Strings outside of \x20 to \x7E, or of more than 50 characters, are as if there were none.
    private static string? Order(Pdu child) =>
        JsonContent.Text(child.Content, "order") is { Length: <= MaxOrderLength } order && order.All(letter => letter is >= ' ' and <= '~') ? order : null;
}
