using EdgeMatrix.Protocol.StateResolution;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.AuthChains;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>The one state of several: what their nodes differ in is resolved and laid over the first of them.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#room-state-resolution</remarks>
internal static class ResolvedState
{
    /// <param name="nodes">Nodes of states after events of the room, at least one; equal ones count once.</param>
    /// <returns>The node of the resolved state.</returns>
    public static long Of(WriteTransaction db, Room room, IEnumerable<long> nodes)
    {
        long[] states = [.. nodes.Distinct().Order()];
        if (states.Length == 1)
        {
            return states[0];
        }

        var conflicts = Conflicts(db, states);
        var named = conflicts.ToDictionary(conflict => Name(db, conflict.Value), conflict => conflict);
        var chains = new AuthChains(db, room.Nid, room.Version);
        var conflict = new StateConflict(
            room.Version,
            room.Id,
            states.Length,
            [.. named.Select(entry => new ConflictedKey(entry.Key.Type, entry.Key.StateKey, entry.Value.Value))],
            new Unconflicted(db, states[0]));

        // A key in conflict that is not resolved has no event.
        var changes = conflicts.Keys.ToDictionary(key => key, _ => 0L);
        foreach (var resolved in StateResolver.Resolve(conflict, chains.Events, chains, trace: null))
        {
            changes[KeyOf(db, named, resolved)] = resolved.Number;
        }

        return StateNodes.Append(db, states[0], [.. changes.Select(change => new StateEntry(change.Key, change.Value))]);
    }

    /// <summary>The events of each key in which the states are not all alike, in the order of the states.</summary>
    private static Dictionary<long, long[]> Conflicts(Session db, long[] states)
    {
        var conflicts = new Dictionary<long, long[]>();
        for (var i = 1; i < states.Length; i++)
        {
            foreach (var change in StateNodes.Difference(db, states[0], states[i]))
            {
                if (!conflicts.TryGetValue(change.StateKey, out var candidates))
                {
                    // Until the others tell otherwise, they have what the first has.
                    candidates = new long[states.Length];
                    Array.Fill(candidates, change.Before);
                    conflicts.Add(change.StateKey, candidates);
                }

                candidates[i] = change.After;
            }
        }

        return conflicts;
    }

    private static (string Type, string StateKey) Name(Session db, long[] candidates) =>
        EventTable.StateKeyOf(db, candidates.First(static nid => nid != 0))
        ?? throw new DatabaseException("A state has an event that is not stored.");

    private static long KeyOf(
        WriteTransaction db, Dictionary<(string Type, string StateKey), KeyValuePair<long, long[]>> named, ResolvedEntry resolved) =>
        named.TryGetValue((resolved.Type, resolved.StateKey), out var known)
            ? known.Key
            : StateKeyTable.Intern(db, EventTypeTable.Intern(db, resolved.Type), resolved.StateKey);

    private sealed class Unconflicted(Session db, long node) : IUnconflictedState
    {
        public long Find(string type, string stateKey) =>
            StateKeyTable.Find(db, type, stateKey) is { } key ? StateNodes.Find(db, node, key) ?? 0 : 0;

        public IEnumerable<long> After(long number)
        {
            var later = new List<long>();
            StateNodes.ForEach(db, node, entry =>
            {
                if (entry.Event > number)
                {
                    later.Add(entry.Event);
                }
            });
            return later;
        }
    }
}
