namespace EdgeMatrix.Storage;

/// <summary>State keys that are looked for, in order, each once; those found are taken out.</summary>
internal sealed class SortedKeys
{
    private readonly List<long> _keys;
    private readonly List<bool> _found;

    public SortedKeys(ReadOnlySpan<long> keys)
    {
        _keys = [.. keys];
        _keys.Sort();
        var kept = 0;
        for (var i = 0; i < _keys.Count; i++)
        {
            if (i == 0 || _keys[i] != _keys[i - 1])
            {
                _keys[kept++] = _keys[i];
            }
        }

        _keys.RemoveRange(kept, _keys.Count - kept);
        _found = [.. Enumerable.Repeat(false, kept)];
    }

    public bool IsEmpty => _keys.Count == 0;

    public int Count => _keys.Count;

    public long this[int index] => _keys[index];

    /// <summary>Adds to <paramref name="found"/> the entries of a delta that are wanted, removals included, from key <paramref name="first"/> on.</summary>
    /// <returns>The first key above those of the delta; at least one on.</returns>
    public int Match(ReadOnlySpan<byte> delta, int first, List<StateEntry> found)
    {
        var next = first;
        var entries = new StateDelta(delta);
        while (next < _keys.Count && entries.Next(out var entry))
        {
            while (next < _keys.Count && _keys[next] < entry.StateKey)
            {
                next++;
            }

            if (next < _keys.Count && _keys[next] == entry.StateKey)
            {
                found.Add(entry);
                _found[next++] = true;
            }
        }

        return Math.Max(next, first + 1);
    }

    public void RemoveFound()
    {
        var kept = 0;
        for (var i = 0; i < _keys.Count; i++)
        {
            if (!_found[i])
            {
                _keys[kept++] = _keys[i];
            }
        }

        _keys.RemoveRange(kept, _keys.Count - kept);
        _found.RemoveRange(kept, _found.Count - kept);
        for (var i = 0; i < kept; i++)
        {
            _found[i] = false;
        }
    }
}
