using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>Makes one state of several, the same on every server that has the same states, whatever their order.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#room-state-resolution</remarks>
public static class StateResolver
{
    /// <summary>
    /// What the resolved state has beyond the unconflicted one: at most one event a key, in no order to rely on. A key in conflict that is
    /// missing here has no event in the resolved state.
    /// </summary>
    public static IReadOnlyList<ResolvedEntry> Resolve(StateConflict conflict, IEventSource events) => Resolve(conflict, events, chains: null, trace: null);

    /// <inheritdoc cref="Resolve(StateConflict, IEventSource)"/>
    /// <param name="trace">Where every step is written down; null if nobody asks.</param>
    public static IReadOnlyList<ResolvedEntry> Resolve(StateConflict conflict, IEventSource events, ResolutionTrace? trace) =>
        Resolve(conflict, events, chains: null, trace);

    /// <inheritdoc cref="Resolve(StateConflict, IEventSource, ResolutionTrace)"/>
    /// <param name="chains">An index of the auth chains of the same events; null to walk them.</param>
    public static IReadOnlyList<ResolvedEntry> Resolve(
        StateConflict conflict, IEventSource events, IAuthChains? chains, ResolutionTrace? trace)
    {
        if (conflict.Keys.Count == 0)
        {
            return [];
        }

        var facts = new RoomEvents(conflict.Version, conflict.RoomId, events);
        var resolved = conflict.Version.StateResolution == StateResolutionVersion.V1
            ? StateResolutionV1.Resolve(conflict, facts, trace)
            : StateResolutionV2.Resolve(conflict, facts, chains ?? new WalkedAuthChains(facts), trace);
        if (trace is not null)
        {
            trace.Resolved = resolved;
        }

        return resolved;
    }
}

/// <summary>The event of a key in a resolved state.</summary>
public readonly record struct ResolvedEntry(string Type, string StateKey, long Number);
