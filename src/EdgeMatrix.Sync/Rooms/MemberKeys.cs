using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Sync.Rooms;

/// <summary>
/// Which state keys are those of members: one bit a key, so that lazy loading can pass over the members of a large room
/// unread.
/// </summary>
internal sealed class MemberKeys
{
    private readonly Lock _lock = new();
    private ulong[] _bits = new ulong[64];
    private long _readUpTo;

    /// <param name="key">Nid of a state key.</param>
    public bool Contains(Session db, long key)
    {
        lock (_lock)
        {
            if (key > _readUpTo)
            {
                ReadOn(db);
            }

            return key / 64 < _bits.Length && (_bits[key / 64] & (1UL << (int)(key % 64))) != 0;
        }
    }

    private void ReadOn(Session db)
    {
        foreach (var (key, isMember) in StateKeyTable.After(db, _readUpTo))
        {
            if (key / 64 >= _bits.Length)
            {
                Array.Resize(ref _bits, (int)Math.Max(_bits.Length * 2, (key / 64) + 1));
            }

            _bits[key / 64] |= isMember ? 1UL << (int)(key % 64) : 0;
            _readUpTo = key;
        }
    }
}
