using System.Collections.Concurrent;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>The rooms in memory: never two of one id, and no more kept than a bound once nobody uses them.</summary>
/// <remarks>
/// A room in use is found again by a weak reference even after it has left the list of those kept, so two requests never
/// build events on two copies of a room.
/// </remarks>
internal sealed class LoadedRooms
{
    private const int MaxKept = 512;

    private readonly ConcurrentDictionary<string, WeakReference<Room>> _rooms = new();
    private readonly Lock _lock = new();
    private readonly Queue<Room> _kept = new();

    public Room? Find(string roomId) => _rooms.TryGetValue(roomId, out var reference) && reference.TryGetTarget(out var room) ? room : null;

    /// <summary>Adds a room, unless one of its id is there: then that is the room.</summary>
    public Room GetOrAdd(Room room)
    {
        lock (_lock)
        {
            if (Find(room.Id) is { } present)
            {
                return present;
            }

            _rooms[room.Id] = new WeakReference<Room>(room);
            _kept.Enqueue(room);
            if (_kept.Count > MaxKept)
            {
                _kept.Dequeue();
                DropDead();
            }

            return room;
        }
    }

    /// <summary>Forgets a room that is there no more. Whoever holds it still is told by <see cref="Room.IsGone"/>.</summary>
    public void Remove(Room room)
    {
        lock (_lock)
        {
            _rooms.TryRemove(room.Id, out _);
        }
    }

    private void DropDead()
    {
        if (_rooms.Count <= MaxKept * 2)
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
