namespace EdgeMatrix.Storage.AuthChains;

/// <summary>Packs entries, which come in the order of their events, into the blob of a row: about a hundred, of eight bytes each.</summary>
/// <remarks>
/// An entry is: the event less the one before it, doubled, and 1 where it is continued; 0 where it begins its chain, else the event less
/// the chain, and the event less the previous; then 0 and a reach, or how many new reaches back in the block its own is. A reach is: its
/// node less that of the reach before it, zigzag; how many links; the event less each.
/// </remarks>
internal sealed class AuthChainBlock
{
    /// <summary>As of a state chunk: with more, SQLite would give the row pages of its own.</summary>
    private const int MaxBytes = 976;

    private readonly List<AuthReach> _reaches = [];
    private byte[] _buffer = new byte[MaxBytes + 256];
    private int _length;
    private long _event;

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

    /// <exception cref="DatabaseException">The bytes are damaged.</exception>
    public static List<AuthChainEntry> Read(ReadOnlySpan<byte> bytes)
    {
        var entries = new List<AuthChainEntry>();
        var reaches = new List<AuthReach>();
        var last = 0L;
        while (!bytes.IsEmpty)
        {
            var head = Next(ref bytes);
            var nid = last + (long)(head >> 1);
            var (chain, previous) = (nid, 0L);
            if (Next(ref bytes) is not 0 and var down)
            {
                (chain, previous) = (nid - (long)down, nid - (long)Next(ref bytes));
            }

            entries.Add(new AuthChainEntry(nid, chain, previous, (head & 1) != 0, ReadReach(ref bytes, nid, reaches)));
            last = nid;
        }

        return entries;
    }

    /// <summary>Adds an entry; false, and as before, if it does not fit any more.</summary>
    public bool TryAdd(AuthChainEntry entry)
    {
        var (length, reaches) = (_length, _reaches.Count);
        Add(((ulong)(entry.Event - _event) << 1) | (entry.Continued ? 1u : 0u));
        Add((ulong)(entry.Event - entry.Chain));
        if (entry.Previous != 0)
        {
            Add((ulong)(entry.Event - entry.Previous));
        }

        AddReach(entry);
        if (_length > MaxBytes && length > 0)
        {
            _length = length;
            _reaches.RemoveRange(reaches, _reaches.Count - reaches);
            return false;
        }

        _event = entry.Event;
        return true;
    }

    private static AuthReach ReadReach(ref ReadOnlySpan<byte> bytes, long nid, List<AuthReach> reaches)
    {
        var back = Next(ref bytes);
        if (back > (ulong)reaches.Count)
        {
            throw Damaged();
        }

        if (back != 0)
        {
            return reaches[^(int)back];
        }

        var node = (reaches.Count == 0 ? 0 : reaches[^1].Node) + Varint.Unzigzag(Next(ref bytes));
        var count = Next(ref bytes);
        if (count > (ulong)bytes.Length)
        {
            throw Damaged();
        }

        var links = new long[count];
        for (var i = 0; i < links.Length; i++)
        {
            links[i] = nid - (long)Next(ref bytes);
        }

        var reach = new AuthReach(node, links);
        reaches.Add(reach);
        return reach;
    }

    private static ulong Next(ref ReadOnlySpan<byte> bytes) => Varint.TryRead(ref bytes, out var value) ? value : throw Damaged();

    private static DatabaseException Damaged() => new("The index of auth chains is damaged. Restore a backup.");

    private void AddReach(AuthChainEntry entry)
    {
        var known = _reaches.FindLastIndex(entry.Reach.Is);
        if (known >= 0)
        {
            Add((ulong)(_reaches.Count - known));
            return;
        }

        Add(0);
        Add(Varint.Zigzag(entry.Reach.Node - (_reaches.Count == 0 ? 0 : _reaches[^1].Node)));
        Add((ulong)entry.Reach.Links.Length);
        foreach (var link in entry.Reach.Links)
        {
            Add((ulong)(entry.Event - link));
        }

        _reaches.Add(entry.Reach);
    }

    private void Add(ulong value)
    {
        if (_length + Varint.MaxBytes > _buffer.Length)
        {
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        }

        _length += Varint.Write(_buffer.AsSpan(_length), value);
    }
}
