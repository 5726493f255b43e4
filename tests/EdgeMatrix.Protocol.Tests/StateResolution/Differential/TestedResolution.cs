using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Protocol.Tests.StateResolution.Differential;

/// <summary>The resolver under test, from state maps to a state map.</summary>
internal static class TestedResolution
{
    public static State Resolve(
        RoomVersion version, string roomId, IReadOnlyList<State> states, ListedEvents events, ResolutionTrace? trace) =>
        Resolve(version, roomId, states, events, events.IdOf, trace);

    public static State Resolve(
        RoomVersion version,
        string roomId,
        IReadOnlyList<State> states,
        IEventSource events,
        Func<long, string> idOf,
        ResolutionTrace? trace)
    {
        if (states.Count == 0)
        {
            return [];
        }

        var numbered = states.Select(state => state.ToDictionary(static entry => entry.Key, entry => events.NumberOf(entry.Value))).ToList();
        var conflict = StateConflict.Between(version, roomId, numbered);
        var resolved = new State(states[0]);
        foreach (var key in conflict.Keys)
        {
            resolved.Remove((key.Type, key.StateKey));
        }

        foreach (var entry in StateResolver.Resolve(conflict, events, trace))
        {
            resolved.Add((entry.Type, entry.StateKey), idOf(entry.Number));
        }

        return resolved;
    }
}
