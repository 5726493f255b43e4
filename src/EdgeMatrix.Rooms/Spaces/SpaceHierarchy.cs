using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Spaces;

/// <param name="Children">The valid <c>m.space.child</c> events, in their order; empty if the room is not a space.</param>
public sealed record SpaceRoom(RoomRow Row, RoomVersion Version, List<SpaceChild> Children);

/// <summary>A room of a tree: as it is known here, or else as another server tells of it.</summary>
public readonly record struct HierarchyRoom(SpaceRoom? Here, ToldSpaceRoom? Told)
{
    public IReadOnlyList<SpaceChild> Children => Here?.Children ?? Told?.Children ?? [];
}

/// <param name="More">Whether there are others after these.</param>
/// <param name="Unknown">Children on the way that are not known here, and that nobody was asked of yet: what is below them is missing.</param>
public sealed record HierarchyPage(List<HierarchyRoom> Rooms, bool More, List<SpaceChild> Unknown);

/// <param name="SuggestedOnly">Only of children that the space suggests.</param>
/// <param name="MaxDepth">How far below the root; 0: the root alone.</param>
public sealed record HierarchyQuery(bool SuggestedOnly, int MaxDepth);

/// <summary>Walks the tree of a space, depth first, through the rooms that a user may know of.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#discovering-rooms-within-spaces</remarks>
public static class SpaceHierarchy
{
    /// <param name="user">Nid of the user; null: whoever may know of all rooms.</param>
    /// <param name="told">What other servers told of rooms that are not known here, by their IDs; null where they were asked in vain.</param>
    /// <param name="skip">How many rooms from the root on to pass over.</param>
    /// <returns>Null if the user may not know of the root.</returns>
    public static HierarchyPage? Page(
        Session db, string rootId, long? user, HierarchyQuery query, IReadOnlyDictionary<string, ToldSpaceRoom?> told, int skip, int limit)
    {
        var page = new HierarchyPage([], false, []);
        var seen = new HashSet<string>();
        var waiting = new Stack<(string RoomId, SpaceChild? Child, int Depth)>();
        waiting.Push((rootId, null, 0));
        while (waiting.TryPop(out var next))
        {
            // Servers should gracefully break loops.
            if (!seen.Add(next.RoomId))
            {
                continue;
            }

            var known = Known(db, next.RoomId);
            var wasTold = told.TryGetValue(next.RoomId, out var answer);
            if (known is null && next.Child is { } child && (!wasTold || answer is { Children: null }))
            {
                page.Unknown.Add(child);
            }

            var room = known is null
                ? new HierarchyRoom(null, MayKnow(db, answer, user))
                : new HierarchyRoom(Here(db, known, user, query.SuggestedOnly), null);
            if (room is { Here: null, Told: null })
            {
                if (next.Child is null)
                {
                    return null;
                }

                continue;
            }

            if (page.Rooms.Count == limit)
            {
                return page with { More = true };
            }

            if (skip > 0)
            {
                skip--;
            }
            else
            {
                page.Rooms.Add(room);
            }

            if (next.Depth < query.MaxDepth)
            {
                foreach (var below in Enumerable.Reverse(room.Children))
                {
                    waiting.Push((below.RoomId, below, next.Depth + 1));
                }
            }
        }

        return page;
    }

    /// <summary>One room of the tree, for another server.</summary>
    /// <returns>Null if the server may not know of the room.</returns>
    public static SpaceRoom? Find(Session db, string roomId, string server, bool suggestedOnly) =>
        RoomTable.Find(db, roomId) is { } row
        && RoomVersions.Find(row.Version) is { } version
        && RoomAccess.MayServerKnow(db, row, version, server)
            ? new SpaceRoom(row, version, Children(db, row, version, suggestedOnly))
            : null;

    // Of a room that this server was never in, as where somebody is merely invited, there is no state; other servers know more.
    private static RoomRow? Known(Session db, string roomId) =>
        RoomTable.Find(db, roomId) is { } row && row.State != StateNodes.Empty ? row : null;

    private static SpaceRoom? Here(Session db, RoomRow row, long? user, bool suggestedOnly) =>
        RoomVersions.Find(row.Version) is { } version && (user is not { } who || RoomAccess.MayKnow(db, row, version, who))
            ? new SpaceRoom(row, version, Children(db, row, version, suggestedOnly))
            : null;

    private static ToldSpaceRoom? MayKnow(Session db, ToldSpaceRoom? room, long? user) =>
        room is not null && (user is not { } who || RoomAccess.MayKnow(db, room.Summary, who)) ? room : null;

    private static List<SpaceChild> Children(Session db, RoomRow row, RoomVersion version, bool suggestedOnly)
    {
        if (RoomStateReader.Find(db, version, row.State, "m.room.create", "") is not { } create
            || JsonContent.Text(create.Content, "type") != "m.space")
        {
            return [];
        }

        var keys = StateKeyTable.SpaceChildren(db, row.Nid);
        var events = EventTable.FindMany(db, StateNodes.FindMany(db, row.State, keys.ToArray()).Select(entry => entry.Event));
        return SpaceChild.InOrder(
            events.Values.Select(stored => stored.Parse(version))
                .Select(child => new SpaceChild(child.StateKey!, child.Sender, child.OriginServerTs, child.Content)),
            suggestedOnly);
    }
}
