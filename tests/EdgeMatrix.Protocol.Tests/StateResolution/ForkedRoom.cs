using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;
using EdgeMatrix.Protocol.Tests.StateResolution.Differential;

namespace EdgeMatrix.Protocol.Tests.StateResolution;

/// <summary>Events of one room, with ids as a test likes them, and the state after each as resolution has it.</summary>
internal sealed class ForkedRoom(RoomVersion version, string roomId, EventGraph events)
{
    private readonly Dictionary<string, State> _stateAfter = [];

    public ForkedRoom(RoomVersion version, IReadOnlyList<Pdu> events)
        : this(version, events[0].RoomId, new EventGraph(events, rejected: []))
    {
    }

    /// <summary>The events that no other has among its <c>prev_events</c>.</summary>
    public IEnumerable<string> Leaves => events.All.Select(static pdu => pdu.EventId).Except(events.All.SelectMany(static pdu => pdu.PrevEvents));

    public static Pdu Event(RoomVersion version, string json, string eventId) =>
        Pdu.FromStored(CanonicalJson.Write(JsonElement.Parse(json)), version, eventId);

    public static State StateOf(IEnumerable<Pdu> events)
    {
        var state = new State();
        foreach (var pdu in events)
        {
            state[(pdu.Type, pdu.StateKey!)] = pdu.EventId;
        }

        return state;
    }

    public State StateOf(IEnumerable<string> eventIds) => StateOf(eventIds.Select(id => events[events.NumberOf(id)]));

    /// <summary>"S'(E) is S(E), except that its entry corresponding to the event_type and state_key of E is replaced by the event_id of E."</summary>
    public State StateAfter(string eventId)
    {
        if (!_stateAfter.TryGetValue(eventId, out var state))
        {
            var pdu = events[events.NumberOf(eventId)];
            state = Resolve([.. pdu.PrevEvents.Select(StateAfter)], trace: null);
            if (pdu.StateKey is { } stateKey)
            {
                state[(pdu.Type, stateKey)] = eventId;
            }

            _stateAfter.Add(eventId, state);
        }

        return state;
    }

    /// <summary>The resolver under test, from state maps to a state map.</summary>
    public State Resolve(IReadOnlyList<State> states, ResolutionTrace? trace) =>
        TestedResolution.Resolve(version, roomId, states, events, number => events[number].EventId, trace);
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
