using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>
/// "The iterative auth checks algorithm takes as input an initial room state and a sorted list of state events, and constructs a new room
/// state by iterating through the event list and applying the state event to the room state if the state event is allowed by the
/// authorisation rules. If the state event is not allowed by the authorisation rules, then the event is ignored."
/// </summary>
/// <remarks>
/// "Events that have been rejected due to failing auth based on the state at the event (rather than based on their auth chain) are handled
/// as usual by the algorithm": they are checked like others, where Synapse leaves them rejected.
/// <para>Spec: https://spec.matrix.org/v1.19/rooms/v12/#definitions</para>
/// </remarks>
internal static class IterativeAuthChecks
{
    /// <param name="state">The initial room state, which becomes the new one.</param>
    public static void Apply(IEnumerable<long> sorted, PartialState state, RoomEvents events, ResolutionStep step, ResolutionTrace? trace)
    {
        foreach (var number in sorted)
        {
            if (events.Find(number) is not { StateKey: { } stateKey } candidate)
            {
                continue;
            }

            var verdict = EventAuth.CheckAgainstState(candidate, (type, key) => Lookup(number, type, key, state, events));
            trace?.Recorded.Add(new ResolutionCheck(step, number, verdict));
            if (verdict.Allowed)
            {
                state.Set(candidate.Type, stateKey, number);
            }
        }
    }

    // "If a (event_type, state_key) key that is required for checking the authorisation rules is not present in the state, then the
    // appropriate state event from the event's auth_events is used if the auth event is not rejected."
    // A rejected event in the state counts as not present, as it does for the other servers.
    private static Pdu? Lookup(long candidate, string type, string stateKey, PartialState state, RoomEvents events)
    {
        var number = state.Find(type, stateKey);
        return number != 0 && events.Facts(number) is { Rejected: false }
            ? events.Find(number)
            : events.Find(events.AuthEventFor(candidate, type, stateKey));
    }
}
