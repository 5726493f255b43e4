using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Sync;

/// <summary>Which member events each device has been sent, so that lazy loading need not send them again.</summary>
/// <remarks>
/// An event counts as known only once the device comes back with a token from after it was sent: an answer that never
/// arrived is asked for again with the old token. When its share of the memory is full, the devices longest unheard of are forgotten, which
/// costs them nothing but repetition. Spec: https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members
/// </remarks>
public sealed class LazyLoadedMembers(long wanted) : MemoryShare("lazy_members", wanted, least: wanted / 16)
{
    /// <summary>What one member takes in the tables, which are half empty after they grew.</summary>
    public const int EntryBytes = 72;

    /// <summary>What the table of one room takes besides its members, and its place among the rooms of a device.</summary>
    public const int RoomBytes = 320;

    /// <summary>What a device takes besides its rooms.</summary>
    public const int DeviceBytes = 320;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, Device> _devices = [];
    private long _bytes;
    private long _uses;
    private long _forgotten;

    /// <summary>How many member events are remembered.</summary>
    public int Count { get; private set; }

    /// <param name="key">Nid of the member's state key.</param>
    /// <param name="since">The stream position that the device has synced to.</param>
    public bool IsKnown(long device, long room, long key, long @event, long since)
    {
        lock (_lock)
        {
            if (!_devices.TryGetValue(device, out var known))
            {
                return false;
            }

            known.LastUse = ++_uses;
            return known.Rooms.TryGetValue(room, out var members)
                && members.TryGetValue(key, out var sent)
                && sent.Event == @event
                && sent.Position <= since;
        }
    }

    /// <param name="position">The stream position that the answer syncs the device to.</param>
    public void Remember(long device, long room, long key, long @event, long position)
    {
        lock (_lock)
        {
            if (!_devices.TryGetValue(device, out var known))
            {
                _devices[device] = known = new Device();
                _bytes += DeviceBytes;
            }

            known.LastUse = ++_uses;
            if (!known.Rooms.TryGetValue(room, out var members))
            {
                known.Rooms[room] = members = [];
                _bytes += RoomBytes;
            }

            // Sent again before it counts as known, an event stays known from the first time on.
            if (members.TryGetValue(key, out var sent) && sent.Event == @event && sent.Position <= position)
            {
                return;
            }

            if (!members.ContainsKey(key))
            {
                Count++;
                _bytes += EntryBytes;
            }

            members[key] = (@event, position);
            if (_bytes > Capacity)
            {
                DropLeastUsed();
            }
        }
    }

    public override MemoryUse Use
    {
        get
        {
            lock (_lock)
            {
                return new MemoryUse(_bytes, Count, Evictions: _forgotten);
            }
        }
    }

    public override void Trim()
    {
        lock (_lock)
        {
            if (_bytes > Capacity)
            {
                DropLeastUsed();
            }
        }
    }

    /// <summary>The device begins anew.</summary>
    public void Forget(long device)
    {
        lock (_lock)
        {
            if (_devices.Remove(device, out var known))
            {
                _bytes -= DeviceBytes;
                foreach (var members in known.Rooms.Values)
                {
                    Drop(members);
                }
            }
        }
    }

    /// <summary>The device begins anew in one room.</summary>
    public void Forget(long device, long room)
    {
        lock (_lock)
        {
            if (_devices.TryGetValue(device, out var known) && known.Rooms.Remove(room, out var members))
            {
                Drop(members);
            }
        }
    }

    private void Drop(Dictionary<long, (long Event, long Position)> members)
    {
        Count -= members.Count;
        _bytes -= RoomBytes + ((long)members.Count * EntryBytes);
    }

    private void DropLeastUsed()
    {
        while (_bytes > Capacity / 2 && _devices.Count > 0)
        {
            Forget(_devices.MinBy(device => device.Value.LastUse).Key);
            _forgotten++;
        }
    }

    private sealed class Device
    {
        public Dictionary<long, Dictionary<long, (long Event, long Position)>> Rooms { get; } = [];

        public long LastUse { get; set; }
    }
}
