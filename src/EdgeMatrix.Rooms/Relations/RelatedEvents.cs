using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Relations;

/// <summary>Which child events of an event are asked for.</summary>
/// <param name="RelType">Null: of every relation type.</param>
/// <param name="Type">The event type of the children; null: all.</param>
/// <param name="Recurse">The children of the children as well, as deep as <see cref="RelatedEvents.MaxDepth"/>.</param>
/// <param name="From">A place in the timeline, to begin at; null: at the newest (backwards) or the oldest (forwards).</param>
/// <param name="To">A place in the timeline, to stop at.</param>
public sealed record RelatedQuery(string? RelType, string? Type, bool Recurse, bool Backward, long? From, long? To, int Limit);

/// <summary>Pages through the child events of an event that a user may see.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#relationships-api</remarks>
public static class RelatedEvents
{
    /// <summary>Homeservers SHOULD traverse at least 3 levels of relationships.</summary>
    public const int MaxDepth = 3;

    // What one request looks at: a page of which most is hidden ends early, with a token to go on.
    private const int MaxScanned = 2_000;
    private const int MaxDescendants = 10_000;

    /// <param name="parent">Id of the event.</param>
    public static HistoryPage Page(
        Session db, Room room, RoomVisibility visibility, string parent, RelatedQuery query, Func<StoredEvent, bool> wanted)
    {
        var at = query.From ?? (query.Backward ? long.MaxValue : long.MinValue);
        var start = at;
        var page = new List<StoredEvent>();
        var (relType, type) = (Find(db, query.RelType), Find(db, query.Type));
        if ((query.RelType is not null && relType is null) || (query.Type is not null && type is null))
        {
            return new HistoryPage(page, start, null);
        }

        var key = RelationTable.Key(parent);
        var descendants = query.Recurse ? Descendants(db, room, key, relType, type, query.Backward) : null;
        var types = relType is { } one ? [one] : query.Recurse ? [] : RelationTable.TypesOf(db, room.Nid, key);
        for (var scanned = 0; scanned < MaxScanned;)
        {
            var size = Math.Min(Math.Max(query.Limit - page.Count, 16), 100);
            var batch = descendants is not null
                ? [.. descendants.Where(child => IsBetween(child, query, at)).Take(size)]
                : Children(db, room, key, types, type, query, at, size);
            var events = EventTable.FindMany(db, batch.Select(child => child.Event));
            foreach (var child in batch)
            {
                at = query.Backward ? child.Timeline - 1 : child.Timeline;
                scanned++;
                if (events.GetValueOrDefault(child.Event) is { } stored && visibility.MaySee(stored) && wanted(stored))
                {
                    page.Add(stored);
                    if (page.Count == query.Limit)
                    {
                        return new HistoryPage(page, start, batch.Count == size || child != batch[^1] ? at : null);
                    }
                }
            }

            if (batch.Count < size)
            {
                return new HistoryPage(page, start, null);
            }
        }

        return new HistoryPage(page, start, at);
    }

    private static long? Find(Session db, string? type) => type is null ? null : EventTypeTable.Find(db, type);

    private static bool IsBetween(ChildRow child, RelatedQuery query, long at) => query.Backward
        ? child.Timeline <= at && child.Timeline > (query.To ?? long.MinValue)
        : child.Timeline > at && child.Timeline <= (query.To ?? long.MaxValue);

    private static List<ChildRow> Children(
        Session db, Room room, long parent, List<long> relTypes, long? type, RelatedQuery query, long at, int size)
    {
        var rows = relTypes.SelectMany(relType => query.Backward
            ? RelationTable.Backward(db, room.Nid, parent, relType, type, at, query.To ?? long.MinValue, size)
            : RelationTable.Forward(db, room.Nid, parent, relType, type, at, query.To ?? long.MaxValue, size));
        return [.. InOrder(rows, query.Backward).Take(size)];
    }

    // Filters will be applied to all events returned, whether direct or indirect relations; events whose only relation to
    // the original given event is through a non-matching intermediate event will not be included.
    private static List<ChildRow> Descendants(Session db, Room room, long parent, long? relType, long? type, bool backward)
    {
        var found = new Dictionary<long, ChildRow>();
        IEnumerable<long> parents = [parent];
        for (var depth = 1; depth <= MaxDepth && found.Count < MaxDescendants; depth++)
        {
            var level = RelationTable.Children(db, room.Nid, parents, relType, type, MaxDescendants - found.Count)
                .Where(child => found.TryAdd(child.Event, child)).Select(child => child.Event).ToList();
            if (level.Count == 0)
            {
                break;
            }

            parents = EventTable.IdsOf(db, level).Select(RelationTable.Key);
        }

        return [.. InOrder(found.Values, backward)];
    }

    private static IEnumerable<ChildRow> InOrder(IEnumerable<ChildRow> rows, bool backward) =>
        backward ? rows.OrderByDescending(child => child.Timeline) : rows.OrderBy(child => child.Timeline);
}
