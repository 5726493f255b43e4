using System.Text;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Protocol.Tests.StateResolution;

/// <summary>Events of one room, with ids as a test likes them, and the state after each as resolution has it.</summary>
internal sealed class ForkedRoom(RoomVersion version, IReadOnlyList<Pdu> events)
{
    private readonly Dictionary<string, Pdu> _events = events.ToDictionary(static pdu => pdu.EventId);
    private readonly Dictionary<string, State> _stateAfter = [];

    public RoomVersion Version { get; } = version;

    public EventGraph Graph { get; } = new(events, rejected: []);

    public string RoomId { get; } = events[0].RoomId;

    /// <summary>The events that no other has among its <c>prev_events</c>.</summary>
    public IEnumerable<string> Leaves => _events.Keys.Except(events.SelectMany(static pdu => pdu.PrevEvents));

    public static Pdu Event(RoomVersion version, string json, string eventId) =>
        Pdu.FromStored(Encoding.UTF8.GetBytes(json), version, eventId);

    public static State StateOf(IEnumerable<Pdu> events)
    {
        var state = new State();
        foreach (var pdu in events)
        {
            state[(pdu.Type, pdu.StateKey!)] = pdu.EventId;
        }

        return state;
    }

    public State StateOf(IEnumerable<string> eventIds) => StateOf(eventIds.Select(id => _events[id]));

    /// <summary>"S'(E) is S(E), except that its entry corresponding to the event_type and state_key of E is replaced by the event_id of E."</summary>
    public State StateAfter(string eventId)
    {
        if (!_stateAfter.TryGetValue(eventId, out var state))
        {
            var pdu = _events[eventId];
            state = Resolve([.. pdu.PrevEvents.Select(StateAfter)]);
            if (pdu.StateKey is { } stateKey)
            {
                state[(pdu.Type, stateKey)] = eventId;
            }

            _stateAfter.Add(eventId, state);
        }

        return state;
    }

    public State Resolve(IReadOnlyList<State> states) => Resolve(states, Graph, trace: null);

    public State Resolve(IReadOnlyList<State> states, IEventSource source, ResolutionTrace? trace)
    {
        var conflict = Conflict(states, source);
        var resolved = new State();
        foreach (var (key, eventId) in states.SelectMany(static state => state))
        {
            if (!conflict.Keys.Any(conflicted => (conflicted.Type, conflicted.StateKey) == key))
            {
                resolved[key] = eventId;
            }
        }

        foreach (var entry in StateResolver.Resolve(conflict, source, trace))
        {
            resolved.Add((entry.Type, entry.StateKey), Graph[entry.Number].EventId);
        }

        return resolved;
    }

    public StateConflict Conflict(IReadOnlyList<State> states, IEventSource source) =>
        StateConflict.Between(
            Version, RoomId, [.. states.Select(state => state.ToDictionary(static entry => entry.Key, entry => source.NumberOf(entry.Value)))]);
}

/// <summary>A state map: an event id for each type and state key.</summary>
internal sealed class State : Dictionary<(string Type, string StateKey), string>
{
    public State()
    {
    }

    public State(State other)
        : base(other)
    {
    }

    public IEnumerable<string> SortedIds => Values.Order(StringComparer.Ordinal);
}
