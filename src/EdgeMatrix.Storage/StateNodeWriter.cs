namespace EdgeMatrix.Storage;

/// <summary>Packs entries, which come in the order of their keys, into one node: into its row, or when they are many into chunks.</summary>
internal sealed class StateNodeWriter
{
    /// <summary>The most that SQLite keeps inside a 4 KiB page of state_chunks; with a byte more a chunk would take a page of its own.</summary>
    private const int MaxChunkBytes = 976;

    private const int MaxEntryBytes = 2 * Varint.MaxBytes;

    private readonly WriteTransaction _db;
    private readonly long _parent;
    private readonly byte[] _buffer = new byte[MaxChunkBytes];
    private long _node;
    private int _length;
    private int _chunks;
    private long _entries;
    private long _firstKey;
    private long _key;
    private long _event;

    /// <param name="node">The node to write over, which has no chunks; 0 makes one.</param>
    public StateNodeWriter(WriteTransaction db, long node, long parent)
    {
        _db = db;
        _node = node;
        _parent = parent;
    }

    public void Add(StateEntry entry)
    {
        if (_length + MaxEntryBytes > MaxChunkBytes)
        {
            WriteChunk();
        }

        if (_length == 0)
        {
            _firstKey = entry.StateKey;
            _key = 0;
            _event = 0;
        }

        _entries++;
        Write((ulong)(entry.StateKey - _key));
        _key = entry.StateKey;
        if (entry.Event == 0)
        {
            Write(0);
            return;
        }

        Write(Varint.Zigzag(entry.Event - _event) + 1);
        _event = entry.Event;
    }

    /// <returns>The node; the parent if nothing was added to a new one.</returns>
    public long Finish()
    {
        if (_entries == 0 && _node == 0)
        {
            return _parent;
        }

        if (_chunks == 0)
        {
            WriteRow(inline: true);
            return _node;
        }

        WriteChunk();
        WriteRow(inline: false);
        return _node;
    }

    private void WriteChunk()
    {
        if (_node == 0)
        {
            // The chunks need its number.
            WriteRow(inline: false);
        }

        using var insert = _db.Prepare("INSERT INTO state_chunks (node, first_key, delta) VALUES (?, ?, ?)")
            .Bind(_node).Bind(_firstKey).Bind(_buffer.AsSpan(0, _length));
        insert.Run();
        _chunks++;
        _length = 0;
    }

    private void WriteRow(bool inline)
    {
        using var write = _db.Prepare(_node == 0
            ? "INSERT INTO state_nodes (parent, entries, delta) VALUES (?, ?, ?)"
            : "UPDATE state_nodes SET parent = ?, entries = ?, delta = ? WHERE nid = ?");
        write.Bind(_parent).Bind(_entries);
        _ = inline ? write.Bind(_buffer.AsSpan(0, _length)) : write.BindNull();
        if (_node != 0)
        {
            write.Bind(_node).Run();
            return;
        }

        write.Run();
        _node = _db.LastInsertRowId;
    }

    private void Write(ulong value) => _length += Varint.Write(_buffer.AsSpan(_length), value);
}
