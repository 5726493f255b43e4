namespace EdgeMatrix.Storage;

/// <summary>
/// Reads the bytes of entries sorted by state key. Each entry is two varints: the key less the key before it, and 0 for a
/// removal, else one more than the zigzag of the event less the last event before it. Keys and events count from 0.
/// </summary>
internal ref struct StateDelta(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;
    private long _key;
    private long _event;

    /// <summary>The event that the entries name for the key, 0 for a removal; null if they do not name it.</summary>
    /// <exception cref="DatabaseException">The bytes are damaged.</exception>
    public static long? Find(ReadOnlySpan<byte> bytes, long stateKey)
    {
        var entries = new StateDelta(bytes);
        while (entries.Next(out var entry) && entry.StateKey <= stateKey)
        {
            if (entry.StateKey == stateKey)
            {
                return entry.Event;
            }
        }

        return null;
    }

    /// <exception cref="DatabaseException">The bytes are damaged.</exception>
    public bool Next(out StateEntry entry)
    {
        if (_rest.IsEmpty)
        {
            entry = default;
            return false;
        }

        _key += (long)Number();
        var code = Number();
        if (code == 0)
        {
            entry = new StateEntry(_key, 0);
            return true;
        }

        code--;
        _event += Varint.Unzigzag(code);
        entry = new StateEntry(_key, _event);
        return true;
    }

    private ulong Number() =>
        Varint.TryRead(ref _rest, out var value) ? value : throw new DatabaseException("A state node is damaged. Restore a backup.");
}
