using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>
/// "The lexicographically smallest topological ordering based on the DAG formed by auth events. The reverse topological power ordering is
/// ordered from earliest event to latest."
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#definitions</remarks>
internal static class ReverseTopologicalPowerOrdering
{
    /// <param name="selected">None of them without facts.</param>
    public static List<OrderedByPower> Sort(HashSet<long> selected, RoomVersion version, RoomEvents events)
    {
        var citedBy = new Dictionary<long, List<long>>();
        var unsortedAuthEvents = new Dictionary<long, int>();
        var smallest = new PriorityQueue<long, PowerRank>();
        foreach (var number in selected)
        {
            var count = 0;
            foreach (var auth in events.AuthEventsOf(number))
            {
                if (selected.Contains(auth))
                {
                    count++;
                    (citedBy.TryGetValue(auth, out var citing) ? citing : citedBy[auth] = []).Add(number);
                }
            }

            unsortedAuthEvents.Add(number, count);
            if (count == 0)
            {
                smallest.Enqueue(number, RankOf(number, version, events));
            }
        }

        // "The reverse topological power ordering can be found by sorting the events using Kahn's algorithm for topological sorting, and at
        // each step selecting, among all the candidate vertices, the smallest vertex using the above comparison relation."
        var sorted = new List<OrderedByPower>(selected.Count);
        while (smallest.TryDequeue(out var number, out var rank))
        {
            sorted.Add(new OrderedByPower(number, rank.SenderLevel, rank.OriginServerTs));
            foreach (var citing in citedBy.GetValueOrDefault(number) ?? [])
            {
                if (--unsortedAuthEvents[citing] == 0)
                {
                    smallest.Enqueue(citing, RankOf(citing, version, events));
                }
            }
        }

        return sorted;
    }

    private static PowerRank RankOf(long number, RoomVersion version, RoomEvents events)
    {
        var facts = events.Facts(number)!;
        return new PowerRank(SenderLevel(facts, version, events), facts.OriginServerTs, facts.EventId);
    }

    // "x's sender has greater power level than y's sender, when looking at their respective auth_events"
    private static long SenderLevel(EventFacts facts, RoomVersion version, RoomEvents events)
    {
        // Without a create event there is nobody who would be above others, and no rule that would allow the event.
        if (events.Find(events.AuthEventFor(facts.Number, EventTypes.Create, "")) is not { } create)
        {
            return 0;
        }

        return PowerLevels.From(version, events.Find(events.PowerLevelsOf(facts.Number)), create).ForUser(facts.Sender);
    }

    private readonly record struct PowerRank(long SenderLevel, long OriginServerTs, string EventId) : IComparable<PowerRank>
    {
        // "for events x and y, x < y if x's sender has greater power level than y's sender …; or the senders have the same power level, but
        // x's origin_server_ts is less than y's origin_server_ts; or the senders have the same power level and the events have the same
        // origin_server_ts, but x's event_id is less than y's event_id."
        public int CompareTo(PowerRank other)
        {
            var byLevel = other.SenderLevel.CompareTo(SenderLevel);
            var byTime = byLevel != 0 ? byLevel : OriginServerTs.CompareTo(other.OriginServerTs);
            return byTime != 0 ? byTime : EventIdOrder.Compare(EventId, other.EventId);
        }
    }
}
