using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>State resolution of versions 2 to 11, and 2.1 of version 12.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#algorithm</remarks>
internal static class StateResolutionV2
{
    public static IReadOnlyList<ResolvedEntry> Resolve(
        StateConflict conflict, RoomEvents events, IAuthChains chains, ResolutionTrace? trace)
    {
        var isV21 = conflict.Version.StateResolution == StateResolutionVersion.V2_1;
        var fullConflictedSet = FullConflictedSet(conflict, isV21, events, chains, trace);

        // 1. "Select the set X of all power events that appear in the full conflicted set. For each such power event P, enlarge X by adding
        //    the events in the auth chain of P which also belong to the full conflicted set. Sort X into a list using the reverse
        //    topological power ordering."
        var x = PowerEvents.Select(fullConflictedSet, events);
        var sortedPowerEvents = ReverseTopologicalPowerOrdering.Sort(x, conflict.Version, events);

        // 2. "Apply the iterative auth checks algorithm, starting from an empty state map (before v12: from the unconflicted state map), to
        //    the list of events from the previous step to get a partially resolved state."
        var state = new PartialState(conflict, isV21 ? null : conflict.Unconflicted);
        IterativeAuthChecks.Apply(sortedPowerEvents.Select(static e => e.Number), state, events, ResolutionStep.PowerEvents, trace);
        if (trace is not null)
        {
            trace.PowerEvents = sortedPowerEvents;
            trace.PartiallyResolved = state.Entries();
        }

        // 3. "Take all remaining events that weren't picked in step 1 and order them by the mainline ordering based on the power level in
        //    the partially resolved state obtained in step 2."
        var mainline = new Mainline(state.Find(EventTypes.PowerLevels, ""), events);
        var sortedRemaining = mainline.Sort(fullConflictedSet.Where(number => !x.Contains(number)));
        if (trace is not null)
        {
            trace.Mainline = mainline.Fetched;
            trace.RemainingEvents = sortedRemaining;
        }

        // 4. "Apply the iterative auth checks algorithm on the partial resolved state and the list of events from the previous step."
        IterativeAuthChecks.Apply(sortedRemaining.Select(static e => e.Number), state, events, ResolutionStep.RemainingEvents, trace);

        // 5. "Update the result by replacing any event with the event with the same key from the unconflicted state map, if such an event
        //    exists, to get the final resolved state."
        return state.EntriesBeyondUnconflicted();
    }

    // "The full conflicted set is the union of the conflicted state set, the conflicted state subgraph (since v12), and the auth difference."
    private static HashSet<long> FullConflictedSet(
        StateConflict conflict, bool withSubgraph, RoomEvents events, IAuthChains chains, ResolutionTrace? trace)
    {
        var conflictedStateSet = ConflictedStateSet(conflict);
        var authDifference = chains.Difference(conflict, conflictedStateSet);
        var subgraph = withSubgraph ? chains.Subgraph(conflictedStateSet) : [];

        var full = new HashSet<long>(conflictedStateSet);
        full.UnionWith(authDifference);
        full.UnionWith(subgraph);

        // What cannot be looked at cannot be ordered or checked.
        var ignored = full.Where(number => events.Facts(number) is null).ToList();
        full.ExceptWith(ignored);
        if (trace is not null)
        {
            trace.ConflictedStateSet = [.. conflictedStateSet.Order()];
            trace.AuthDifference = [.. authDifference.Order()];
            trace.ConflictedStateSubgraph = [.. subgraph.Order()];
            trace.FullConflictedSet = [.. full.Order()];
            trace.Ignored = [.. ignored.Order()];
        }

        return full;
    }

    // "If a given key K is present in every S_i with the same value V in each state map, then the pair (K, V) belongs to the unconflicted
    // state map. Otherwise, V belongs to the conflicted state set."
    private static HashSet<long> ConflictedStateSet(StateConflict conflict) =>
        [.. conflict.Keys.SelectMany(static key => key.Candidates).Where(static candidate => candidate != 0)];
}
