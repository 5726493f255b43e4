namespace EdgeMatrix.Storage;

/// <summary>Goes through the entries of one node, or of a list, in the order of their keys; keeps one chunk in memory.</summary>
internal sealed class StateCursor
{
    private readonly Session? _db;
    private readonly long _node;
    private readonly List<StateEntry> _entries;
    private readonly bool _chunked;
    private int _index = -1;
    private long _lastChunk = long.MinValue;

    /// <param name="entries">Sorted by key.</param>
    public StateCursor(List<StateEntry> entries) => _entries = entries;

    public StateCursor(Session db, long node)
    {
        _db = db;
        _node = node;
        _entries = [];
        var delta = StateNodes.Read(db, node).Delta;
        _chunked = delta is null;
        Decode(delta);
    }

    public StateEntry Current => _entries[_index];

    public bool Next() => ++_index < _entries.Count || (_chunked && NextChunk());

    private bool NextChunk()
    {
        using var query = _db!.Prepare("SELECT first_key, delta FROM state_chunks WHERE node = ? AND first_key > ? ORDER BY first_key LIMIT 1")
            .Bind(_node).Bind(_lastChunk);
        if (!query.Step())
        {
            return false;
        }

        _lastChunk = query.Int64(0);
        _entries.Clear();
        _index = 0;
        Decode(query.Blob(1));
        return true;
    }

    private void Decode(ReadOnlySpan<byte> delta)
    {
        var entries = new StateDelta(delta);
        while (entries.Next(out var entry))
        {
            _entries.Add(entry);
        }
    }
}
