namespace EdgeMatrix.Storage;

/// <summary>Lays nodes over each other: each key once, in order, with what the newest of them says, removals included.</summary>
internal sealed class StateMerge
{
    /// <summary>The newest first; those at their end are taken out.</summary>
    private readonly List<StateCursor> _cursors;

    public StateMerge(IEnumerable<StateCursor> newestFirst)
    {
        _cursors = [.. newestFirst];
        _cursors.RemoveAll(cursor => !cursor.Next());
    }

    public bool Next(out StateEntry entry)
    {
        if (_cursors.Count == 0)
        {
            entry = default;
            return false;
        }

        entry = _cursors[0].Current;
        for (var i = 1; i < _cursors.Count; i++)
        {
            if (_cursors[i].Current is var other && other.StateKey < entry.StateKey)
            {
                entry = other;
            }
        }

        for (var i = _cursors.Count - 1; i >= 0; i--)
        {
            if (_cursors[i].Current.StateKey == entry.StateKey && !_cursors[i].Next())
            {
                _cursors.RemoveAt(i);
            }
        }

        return true;
    }
}
