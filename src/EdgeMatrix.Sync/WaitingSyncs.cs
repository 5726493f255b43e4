using System.Runtime.InteropServices;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Sync;

/// <summary>The syncs that wait for news: so many of a device, of a user, and of all. One more is refused, and its client tries later.</summary>
/// <remarks>A client has one, or one a window; what goes beyond is a client that has lost its way, or means harm.</remarks>
internal sealed class WaitingSyncs
{
    private const int MaxOfDevice = 8;
    private const int MaxOfUser = 64;

    // The request, its connection and buffers, and the sync itself.
    private const int WaitBytes = 8 << 10;

    private readonly Lock _lock = new();

    // No more of either than there are waits; both are empty when nobody waits.
    private readonly Dictionary<long, int> _ofDevice = [];
    private readonly Dictionary<long, int> _ofUser = [];
    private readonly ByteAllowance _all = new("waiting_syncs", wanted: 24 << 20, least: 4 << 20);

    public WaitingSyncs(MemoryBudget memory) => memory.Add(_all);

    /// <summary>Whether one more may wait; if so, <see cref="Leave"/> must follow.</summary>
    public bool TryEnter(long user, long device)
    {
        lock (_lock)
        {
            if (_ofDevice.GetValueOrDefault(device) >= MaxOfDevice || _ofUser.GetValueOrDefault(user) >= MaxOfUser || !_all.TryHold(WaitBytes))
            {
                return false;
            }

            CollectionsMarshal.GetValueRefOrAddDefault(_ofDevice, device, out _)++;
            CollectionsMarshal.GetValueRefOrAddDefault(_ofUser, user, out _)++;
            return true;
        }
    }

    public void Leave(long user, long device)
    {
        lock (_lock)
        {
            _all.Release(WaitBytes);
            Decrement(_ofDevice, device);
            Decrement(_ofUser, user);
        }
    }

    private static void Decrement(Dictionary<long, int> counts, long key)
    {
        if (--CollectionsMarshal.GetValueRefOrAddDefault(counts, key, out _) == 0)
        {
            counts.Remove(key);
        }
    }
}
