using System.Collections.Immutable;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Console.Inspection;

/// <summary>A state that is whole in memory, its events as numbers of an <see cref="IEventSource"/>: for looking at rooms, not for serving them.</summary>
internal static class ResolvedStates
{
    public static ImmutableDictionary<(string Type, string StateKey), long> Empty { get; } =
        ImmutableDictionary<(string Type, string StateKey), long>.Empty;

    /// <summary>The one state that several become.</summary>
    /// <param name="trace">Where the steps are written down; null if nobody asks.</param>
    public static (ImmutableDictionary<(string Type, string StateKey), long> State, StateConflict Conflict) Resolve(
        RoomVersion version,
        string roomId,
        IReadOnlyList<ImmutableDictionary<(string Type, string StateKey), long>> states,
        IEventSource events,
        ResolutionTrace? trace)
    {
        var conflict = StateConflict.Between(version, roomId, states);
        var resolved = states[0].ToBuilder();
        foreach (var key in conflict.Keys)
        {
            resolved.Remove((key.Type, key.StateKey));
        }

        foreach (var entry in StateResolver.Resolve(conflict, events, trace))
        {
            resolved[(entry.Type, entry.StateKey)] = entry.Number;
        }

        return (resolved.ToImmutable(), conflict);
    }
}
