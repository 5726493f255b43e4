using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>The events of a room as they lie in memory, numbered so that none comes before its auth events.</summary>
/// <remarks>
/// In room versions 1 and 2, whose event ids are free, events may cite one another in a circle; one link of it is left out, the same
/// whatever the order in which the events are given.
/// </remarks>
public sealed class EventGraph : IEventSource
{
    private readonly Dictionary<string, long> _numbers;
    private readonly HashSet<long> _rejected;
    private readonly Pdu[] _events;
    private readonly long[][] _authEvents;

    /// <param name="events">In any order; of two with one id only the first counts.</param>
    /// <param name="rejected">The ids of those that were rejected.</param>
    public EventGraph(IEnumerable<Pdu> events, IEnumerable<string> rejected)
    {
        _events = AuthEventsFirst(events);
        _numbers = new Dictionary<string, long>(_events.Length);
        for (var index = 0; index < _events.Length; index++)
        {
            _numbers.Add(_events[index].EventId, index + 1);
        }

        _rejected = [.. rejected.Select(NumberOf)];
        _authEvents = [.. _events.Select((pdu, index) =>
            pdu.AuthEvents.Select(NumberOf).Where(number => number != 0 && number <= index).Distinct().ToArray())];
    }

    public int Count => _events.Length;

    /// <summary>Auth events first: the event of number 1, that of number 2, and so on.</summary>
    public IReadOnlyList<Pdu> All => _events;

    /// <summary>The event of a number that this gave.</summary>
    public Pdu this[long number] => _events[number - 1];

    public long NumberOf(string eventId) => _numbers.GetValueOrDefault(eventId);

    public ReadOnlySpan<long> AuthEventsOf(long number) => IsKnown(number) ? _authEvents[number - 1] : [];

    public Pdu? Find(long number) => IsKnown(number) ? _events[number - 1] : null;

    public bool IsRejected(long number) => _rejected.Contains(number);

    private bool IsKnown(long number) => number >= 1 && number <= _events.Length;

    // Depth first from the smallest id, each event after those that it cites, without recursion: chains are long.
    private static Pdu[] AuthEventsFirst(IEnumerable<Pdu> events)
    {
        var byId = new Dictionary<string, Pdu>();
        foreach (var pdu in events)
        {
            byId.TryAdd(pdu.EventId, pdu);
        }

        var sorted = new List<Pdu>(byId.Count);
        var seen = new HashSet<string>(byId.Count);
        var path = new Stack<(Pdu Event, IEnumerator<string> Unvisited)>();
        foreach (var id in byId.Keys.Order(StringComparer.Ordinal))
        {
            Enter(id);
            while (path.TryPeek(out var step))
            {
                if (step.Unvisited.MoveNext())
                {
                    Enter(step.Unvisited.Current);
                }
                else
                {
                    sorted.Add(path.Pop().Event);
                }
            }
        }

        return [.. sorted];

        void Enter(string id)
        {
            if (byId.TryGetValue(id, out var pdu) && seen.Add(id))
            {
                path.Push((pdu, pdu.AuthEvents.GetEnumerator()));
            }
        }
    }
}
