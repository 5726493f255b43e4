using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>Goes back from events to those that they follow, the deepest first.</summary>
internal static class EarlierEvents
{
    /// <param name="from">Ids to begin with; they are among what is given.</param>
    /// <param name="stopAt">Ids that are not given, nor gone back from.</param>
    /// <param name="minDepth">Of what is given.</param>
    /// <returns>Each event before those that it follows.</returns>
    public static List<StoredEvent> From(AskedRoom asked, IEnumerable<string> from, IReadOnlyCollection<string> stopAt, int limit, long minDepth)
    {
        var seen = new HashSet<string>(stopAt, StringComparer.Ordinal);
        var next = new PriorityQueue<StoredEvent, (long Depth, long Nid)>();
        var found = new List<StoredEvent>();
        Add(from);
        while (found.Count < limit && next.TryDequeue(out var stored, out _))
        {
            found.Add(stored);
            Add(stored.Parse(asked.Room.Version).PrevEvents);
        }

        return found;

        void Add(IEnumerable<string> ids)
        {
            foreach (var stored in ids.Where(seen.Add).Select(asked.Find).OfType<StoredEvent>())
            {
                // What was rejected is nothing that a room is made of.
                if (stored.Parse(asked.Room.Version).Depth is var depth && depth >= minDepth && !stored.Flags.HasFlag(EventFlags.Rejected))
                {
                    next.Enqueue(stored, (-depth, -stored.Nid));
                }
            }
        }
    }
}
