namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>
/// "Starting from an event in the conflicted state set and following auth_events edges may lead to another event in the conflicted state
/// set. The union of all such paths between any pair of events in the conflicted state set (including endpoints) forms a subgraph of the
/// original auth_event graph, called the conflicted state subgraph."
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#definitions</remarks>
internal static class ConflictedStateSubgraph
{
    public static HashSet<long> Of(IReadOnlySet<long> conflictedStateSet, RoomEvents events)
    {
        var below = DownToOldest(conflictedStateSet, events);

        // From the oldest up, an event leads to one in conflict if it is one, or cites one that does.
        var leading = new HashSet<long>(conflictedStateSet);
        foreach (var number in below)
        {
            foreach (var auth in events.AuthEventsOf(number))
            {
                if (leading.Contains(auth))
                {
                    leading.Add(number);
                    break;
                }
            }
        }

        return leading;
    }

    // All that the events in conflict lead to and that may lead to one of them: nothing older than the oldest does. Oldest first.
    private static long[] DownToOldest(IReadOnlySet<long> conflictedStateSet, RoomEvents events)
    {
        var oldest = conflictedStateSet.Min();
        var visited = new HashSet<long>(conflictedStateSet);
        var toVisit = new Stack<long>(conflictedStateSet);
        while (toVisit.TryPop(out var number))
        {
            foreach (var auth in events.AuthEventsOf(number))
            {
                if (auth > oldest && visited.Add(auth))
                {
                    toVisit.Push(auth);
                }
            }
        }

        long[] sorted = [.. visited];
        Array.Sort(sorted);
        return sorted;
    }
}
