using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>
/// Which state keys are those of members: one bit a key, so that lazy loading can pass over the members of a large room
/// unread.
/// </summary>
internal sealed class MemberKeys() : MemoryShare("member_keys", wanted: MaxBytes, least: MaxBytes)
{
    // Of eight million members that this server ever saw; those after them are looked up, each when it is asked for.
    private const int MaxBytes = 1 << 20;
    private const long MaxKey = MaxBytes * 8L;

    private readonly Lock _lock = new();
    private ulong[] _bits = new ulong[64];
    private long _readUpTo;

    /// <param name="key">Nid of a state key.</param>
    public bool Contains(Session db, long key)
    {
        if (key >= MaxKey)
        {
            return StateKeyTable.IsMember(db, key);
        }

        lock (_lock)
        {
            if (key > _readUpTo)
            {
                ReadOn(db);
            }

            return key / 64 < _bits.Length && (_bits[key / 64] & (1UL << (int)(key % 64))) != 0;
        }
    }

    public override MemoryUse Use
    {
        get
        {
            lock (_lock)
            {
                return new MemoryUse(_bits.Length * sizeof(ulong), _readUpTo);
            }
        }
    }

    /// <summary>Nothing: to read the bits again would cost more than they take.</summary>
    public override void Trim()
    {
    }

    private void ReadOn(Session db)
    {
        foreach (var (key, isMember) in StateKeyTable.After(db, _readUpTo))
        {
            if (key >= MaxKey)
            {
                return;
            }

            if (key / 64 >= _bits.Length)
            {
                Array.Resize(ref _bits, (int)Math.Max(_bits.Length * 2, (key / 64) + 1));
            }

            _bits[key / 64] |= isMember ? 1UL << (int)(key % 64) : 0;
            _readUpTo = key;
        }
    }
}
