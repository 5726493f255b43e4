using System.Collections.Concurrent;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>The rooms in memory: never two of one id, and no more kept than their share of the memory holds once nobody uses them.</summary>
/// <remarks>
/// A room in use is found again by a weak reference even after it has left those kept, so two requests never build events on two
/// copies of a room.
/// </remarks>
internal sealed class LoadedRooms
{
    private const int SpareReferences = 256;

    private readonly ConcurrentDictionary<string, WeakReference<Room>> _rooms = new();
    private readonly Lock _lock = new();
    private readonly BoundedCache<string, Room> _kept = new("rooms", wanted: 8 << 20, least: 512 << 10);

    public LoadedRooms(MemoryBudget memory) => memory.Add(_kept);

    public Room? Find(string roomId) => _kept.TryGet(roomId, out var kept) ? kept : FindInUse(roomId);

    /// <summary>Adds a room, unless one of its id is there: then that is the room.</summary>
    public Room GetOrAdd(Room room)
    {
        lock (_lock)
        {
            if (FindInUse(room.Id) is { } present)
            {
                return present;
            }

            _rooms[room.Id] = new WeakReference<Room>(room);
            _kept.Set(room.Id, room, room.Bytes);
            DropDead();
            return room;
        }
    }

    /// <summary>What the room remembers has changed.</summary>
    public void Weigh(Room room) => _kept.Weigh(room.Id, room.Bytes);

    /// <summary>Forgets a room that is there no more. Whoever holds it still is told by <see cref="Room.IsGone"/>.</summary>
    public void Remove(Room room)
    {
        lock (_lock)
        {
            _kept.Remove(room.Id);
            _rooms.TryRemove(room.Id, out _);
        }
    }

    private Room? FindInUse(string roomId)
    {
        // Locked, so that a room that is removed meanwhile is not kept again.
        lock (_lock)
        {
            return _rooms.TryGetValue(roomId, out var reference) && reference.TryGetTarget(out var room)
                ? _kept.GetOrAdd(roomId, room, room.Bytes)
                : null;
        }
    }

    private void DropDead()
    {
        if (_rooms.Count <= (_kept.Use.Entries * 2) + SpareReferences)
        {
            return;
        }

        foreach (var (id, reference) in _rooms)
        {
            if (!reference.TryGetTarget(out _))
            {
                _rooms.TryRemove(id, out _);
            }
        }
    }
}
