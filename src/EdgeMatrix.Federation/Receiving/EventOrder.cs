using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>Puts events in an order in which they can be judged. Their depth, which is as their server likes, is not asked.</summary>
internal static class EventOrder
{
    /// <summary>Each after those of them that it follows, and by which it is allowed; else as they came.</summary>
    public static List<Pdu> ParentsFirst(IEnumerable<Pdu> events) => Sort(events, pdu => pdu.PrevEvents.Concat(pdu.AuthEvents));

    /// <summary>Each after those of them by which it is allowed.</summary>
    public static List<Pdu> AuthEventsFirst(IEnumerable<Pdu> events) => Sort(events, pdu => pdu.AuthEvents);

    private static List<Pdu> Sort(IEnumerable<Pdu> events, Func<Pdu, IEnumerable<string>> before)
    {
        var byId = new Dictionary<string, Pdu>(StringComparer.Ordinal);
        foreach (var pdu in events)
        {
            byId.TryAdd(pdu.EventId, pdu);
        }

        // Without recursion, for chains are long; each is opened once, so that ids of old room versions that go in a circle end.
        var (sorted, opened, closed) = (new List<Pdu>(byId.Count), new HashSet<string>(), new HashSet<string>());
        var ahead = new Stack<Pdu>();
        foreach (var first in byId.Values)
        {
            ahead.Push(first);
            while (ahead.TryPeek(out var pdu))
            {
                if (!opened.Add(pdu.EventId))
                {
                    ahead.Pop();
                    if (closed.Add(pdu.EventId))
                    {
                        sorted.Add(pdu);
                    }

                    continue;
                }

                foreach (var id in before(pdu))
                {
                    if (byId.TryGetValue(id, out var parent) && !opened.Contains(id))
                    {
                        ahead.Push(parent);
                    }
                }
            }
        }

        return sorted;
    }
}
