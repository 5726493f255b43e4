namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>A state that is being resolved: what was set in it, over the unconflicted state or over nothing.</summary>
/// <param name="unconflicted">Null to start from an empty state map.</param>
internal sealed class PartialState(StateConflict conflict, IUnconflictedState? unconflicted)
{
    private readonly Dictionary<(string Type, string StateKey), long> _set = [];
    private readonly HashSet<(string Type, string StateKey)> _conflicted = [.. conflict.Keys.Select(static key => (key.Type, key.StateKey))];

    /// <summary>0 if there is no event.</summary>
    public long Find(string type, string stateKey)
    {
        if (_set.TryGetValue((type, stateKey), out var number))
        {
            return number;
        }

        return unconflicted is null || _conflicted.Contains((type, stateKey)) ? 0 : unconflicted.Find(type, stateKey);
    }

    public void Set(string type, string stateKey, long number) => _set[(type, stateKey)] = number;

    /// <summary>What was set.</summary>
    public List<ResolvedEntry> Entries() => [.. _set.Select(static entry => new ResolvedEntry(entry.Key.Type, entry.Key.StateKey, entry.Value))];

    /// <summary>
    /// "Update the result by replacing any event with the event with the same key from the unconflicted state map, if such an event exists":
    /// what was set and is not replaced.
    /// </summary>
    public List<ResolvedEntry> EntriesBeyondUnconflicted()
    {
        var entries = Entries();
        entries.RemoveAll(entry =>
            !_conflicted.Contains((entry.Type, entry.StateKey)) && conflict.Unconflicted.Find(entry.Type, entry.StateKey) != 0);
        return entries;
    }
}
