using System.Collections.Immutable;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Console.Inspection;

/// <summary>
/// A room in memory, with the state after each of its events: computed from the create event on, as every server that has these events must.
/// </summary>
public sealed class RoomGraph : IEventSource
{
    private readonly EventGraph _events;
    private readonly HashSet<long> _rejected = [];
    private readonly Dictionary<long, ImmutableDictionary<(string Type, string StateKey), long>> _after = [];
    private readonly HashSet<long> _cited = [];
    private readonly IReadOnlyDictionary<string, IReadOnlyList<string>> _givenStates;
    private readonly Pdu? _create;

    /// <param name="events">Of one room, in any order.</param>
    /// <param name="newest">One of them.</param>
    /// <param name="givenStates">
    /// States after events that are not to be computed, as a server may be told them, and wrongly, when it joins: lists of event ids.
    /// </param>
    public RoomGraph(
        RoomVersion version, IReadOnlyList<Pdu> events, Pdu newest, IReadOnlyDictionary<string, IReadOnlyList<string>> givenStates)
    {
        _givenStates = givenStates;
        Version = version;
        Newest = newest;
        _create = events.FirstOrDefault(static e => e is { Type: EventTypes.Create, StateKey: "" });
        RoomId = (_create ?? Newest).RoomId;
        _events = new EventGraph(events, rejected: []);
        foreach (var number in ParentsFirst(events))
        {
            Add(number);
        }
    }

    public RoomVersion Version { get; }

    public string RoomId { get; }

    public Pdu Newest { get; }

    public int Count => _events.Count;

    public Pdu this[long number] => _events[number];

    public Pdu? Find(string eventId) => Find(NumberOf(eventId));

    public Pdu? Find(long number) => _events.Find(number);

    public long NumberOf(string eventId) => _events.NumberOf(eventId);

    public ReadOnlySpan<long> AuthEventsOf(long number) => _events.AuthEventsOf(number);

    public bool IsRejected(long number) => _rejected.Contains(number);

    /// <summary>The state after an event of this room, by type and state key; an event that was rejected changes nothing.</summary>
    public IReadOnlyDictionary<(string Type, string StateKey), long> StateAfter(string eventId) => _after[NumberOf(eventId)];

    /// <summary>How the state before an event comes about.</summary>
    internal StateBefore Before(Pdu pdu, ResolutionTrace? trace)
    {
        long[] parents = [.. pdu.PrevEvents.Select(NumberOf).Where(_after.ContainsKey).Distinct()];
        var missing = pdu.PrevEvents.Where(id => !_after.ContainsKey(NumberOf(id))).ToList();
        var states = Array.ConvertAll(parents, parent => _after[parent]);
        if (states.Length == 0)
        {
            return new StateBefore(parents, missing, ResolvedStates.Empty, null);
        }

        if (Array.TrueForAll(states, state => ReferenceEquals(state, states[0])))
        {
            return new StateBefore(parents, missing, states[0], null);
        }

        var (state, conflict) = ResolvedStates.Resolve(Version, RoomId, states, this, trace);
        return new StateBefore(parents, missing, state, conflict);
    }

    internal ReceiptVerdicts Verdicts(Pdu pdu, StateBefore before) => ReceiptVerdicts.Of(
        pdu,
        id => Find(id) is { } authEvent ? (authEvent, IsRejected(NumberOf(id))) : null,
        _create,
        before.IsKnown ? LookupIn(before.State) : null);

    /// <summary>
    /// The state that the rest of the room resolves to: that of the forward extremities that are not built on the event. Null if all are,
    /// so that nothing went on beside it.
    /// </summary>
    internal StateLookup? StateBeside(Pdu pdu)
    {
        var descendants = DescendantsOf(NumberOf(pdu.EventId));
        var states = Enumerable.Range(1, Count)
            .Select(static index => (long)index)
            .Where(number => !_cited.Contains(number) && !descendants.Contains(number) && !IsRejected(number))
            .Select(number => _after[number])
            .ToList();
        return states.Count == 0 ? null : LookupIn(ResolvedStates.Resolve(Version, RoomId, states, this, trace: null).State);
    }

    private StateLookup LookupIn(ImmutableDictionary<(string Type, string StateKey), long> state) =>
        (type, stateKey) => Find(state.GetValueOrDefault((type, stateKey)));

    private void Add(long number)
    {
        var pdu = _events[number];
        if (_givenStates.TryGetValue(pdu.EventId, out var given))
        {
            _cited.UnionWith(pdu.PrevEvents.Select(NumberOf));
            _after[number] = StateOf(given);
            return;
        }

        var before = Before(pdu, trace: null);
        _cited.UnionWith(before.Parents);
        if (Verdicts(pdu, before).Rejected)
        {
            _rejected.Add(number);
        }

        var state = before.State;
        if (!before.IsKnown)
        {
            // The best that can be said where the room begins in the middle: what the event itself rests on.
            foreach (var auth in AuthEventsOf(number).ToArray())
            {
                var authEvent = _events[auth];
                state = authEvent.StateKey is { } key && !state.ContainsKey((authEvent.Type, key)) ? state.Add((authEvent.Type, key), auth) : state;
            }
        }

        _after[number] = pdu.StateKey is { } stateKey && !IsRejected(number) ? state.SetItem((pdu.Type, stateKey), number) : state;
    }

    private ImmutableDictionary<(string Type, string StateKey), long> StateOf(IReadOnlyList<string> eventIds)
    {
        var state = ResolvedStates.Empty.ToBuilder();
        foreach (var id in eventIds)
        {
            if (Find(id) is { StateKey: { } stateKey } pdu)
            {
                state[(pdu.Type, stateKey)] = NumberOf(id);
            }
        }

        return state.ToImmutable();
    }

    private HashSet<long> DescendantsOf(long number)
    {
        var children = new Dictionary<long, List<long>>();
        for (var child = 1L; child <= Count; child++)
        {
            foreach (var parent in _events[child].PrevEvents.Select(NumberOf))
            {
                (children.TryGetValue(parent, out var ofParent) ? ofParent : children[parent] = []).Add(child);
            }
        }

        var found = new HashSet<long> { number };
        var toVisit = new Queue<long>(found);
        while (toVisit.TryDequeue(out var visited))
        {
            foreach (var child in children.GetValueOrDefault(visited) ?? [])
            {
                if (found.Add(child))
                {
                    toVisit.Enqueue(child);
                }
            }
        }

        return found;
    }

    // Each event after its prev and auth events, without recursion: rooms are long.
    private List<long> ParentsFirst(IReadOnlyList<Pdu> events)
    {
        var sorted = new List<long>(Count);
        var seen = new HashSet<long>();
        var path = new Stack<(long Number, IEnumerator<string> Unvisited)>();
        foreach (var pdu in events)
        {
            Enter(pdu.EventId);
            while (path.TryPeek(out var step))
            {
                if (step.Unvisited.MoveNext())
                {
                    Enter(step.Unvisited.Current);
                }
                else
                {
                    sorted.Add(path.Pop().Number);
                }
            }
        }

        return sorted;

        void Enter(string id)
        {
            if (NumberOf(id) is not 0 and var number && seen.Add(number))
            {
                path.Push((number, _events[number].PrevEvents.Concat(_events[number].AuthEvents).GetEnumerator()));
            }
        }
    }
}

/// <summary>How the state before an event comes about.</summary>
/// <param name="Parents">The prev events that are here.</param>
/// <param name="Missing">The ids of those that are not.</param>
/// <param name="Conflict">Null where nothing had to be resolved.</param>
internal sealed record StateBefore(
    IReadOnlyList<long> Parents,
    IReadOnlyList<string> Missing,
    ImmutableDictionary<(string Type, string StateKey), long> State,
    StateConflict? Conflict)
{
    public bool IsKnown => Missing.Count == 0;
}
