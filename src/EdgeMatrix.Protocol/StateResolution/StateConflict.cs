using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>States of one room that are to become one, as what they differ in and what they share.</summary>
public sealed class StateConflict
{
    /// <param name="stateCount">How many states there are: the length of each key's candidates.</param>
    /// <param name="keys">Every key for which the states do not all have the same event, once, in any order.</param>
    /// <exception cref="ArgumentException">A key has not one candidate a state, or is in no conflict.</exception>
    public StateConflict(
        RoomVersion version, string roomId, int stateCount, IReadOnlyList<ConflictedKey> keys, IUnconflictedState unconflicted)
    {
        foreach (var key in keys)
        {
            if (key.Candidates.Count != stateCount || key.Candidates.All(candidate => candidate == key.Candidates[0]))
            {
                throw new ArgumentException($"{key.Type} is in no conflict between {stateCount} states", nameof(keys));
            }
        }

        Version = version;
        RoomId = roomId;
        StateCount = stateCount;
        Keys = keys;
        Unconflicted = unconflicted;
    }

    public RoomVersion Version { get; }

    /// <summary>Events of any other room are ignored.</summary>
    public string RoomId { get; }

    public int StateCount { get; }

    public IReadOnlyList<ConflictedKey> Keys { get; }

    public IUnconflictedState Unconflicted { get; }

    /// <summary>"If a given key K is present in every S_i with the same value V in each state map, then the pair (K, V) belongs to the
    /// unconflicted state map. Otherwise, V belongs to the conflicted state set."</summary>
    /// <param name="states">Whole states; for the engine, which knows what differs, the constructor is there.</param>
    public static StateConflict Between(
        RoomVersion version, string roomId, IReadOnlyList<IReadOnlyDictionary<(string Type, string StateKey), long>> states)
    {
        var unconflicted = new Dictionary<(string Type, string StateKey), long>();
        var keys = new List<ConflictedKey>();
        foreach (var key in states.SelectMany(static state => state.Keys).Distinct())
        {
            long[] candidates = [.. states.Select(state => state.GetValueOrDefault(key))];
            if (Array.TrueForAll(candidates, candidate => candidate == candidates[0]))
            {
                unconflicted.Add(key, candidates[0]);
            }
            else
            {
                keys.Add(new ConflictedKey(key.Type, key.StateKey, candidates));
            }
        }

        return new StateConflict(version, roomId, states.Count, keys, new UnconflictedMap(unconflicted));
    }

    private sealed class UnconflictedMap(Dictionary<(string Type, string StateKey), long> map) : IUnconflictedState
    {
        public long Find(string type, string stateKey) => map.GetValueOrDefault((type, stateKey));

        public IEnumerable<long> After(long number) => map.Values.Where(other => other > number);
    }
}

/// <summary>A key for which the states have different events, or some of them none.</summary>
/// <param name="Candidates">The event's number in each state, in the order of the states; 0 where a state has none.</param>
public readonly record struct ConflictedKey(string Type, string StateKey, IReadOnlyList<long> Candidates);
