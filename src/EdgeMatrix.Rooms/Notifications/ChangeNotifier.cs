using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Rooms.Notifications;

/// <summary>Tells waiting syncs of users that there is news, and remembers which rooms changed lately.</summary>
/// <remarks>Bounded: only users who sync are remembered, and rooms that are looked at from outside, and as many rooms changes as the ring holds.</remarks>
public sealed class ChangeNotifier
{
    // What is watched, its lock, and the task that waits.
    private const int WatchedBytes = 200;
    private const int RingSize = 4_096;

    private readonly Func<long> _committedPosition;

    // Whoever is dropped is looked up on the disk at the next sync; a sync that waits looks again, and is remembered again.
    private readonly BoundedCache<long, Watched> _users =
        new("notified_users", wanted: 4 << 20, least: 2 << 20) { Evicted = (_, dropped) => dropped.Nudge() };

    private readonly BoundedCache<long, Watched> _rooms =
        new("watched_rooms", wanted: 512 << 10, least: 64 << 10) { Evicted = (_, dropped) => dropped.Nudge() };

    private readonly Lock _ringLock = new();
    private readonly (long Position, long Room)[] _ring = new (long, long)[RingSize];
    private readonly long _startPosition;
    private long _ringCount;
    private long _told;

    public ChangeNotifier(Func<long> committedPosition, MemoryBudget memory)
    {
        _committedPosition = committedPosition;
        _startPosition = _told = committedPosition();
        memory.Add(_users);
        memory.Add(_rooms);
    }

    /// <summary>Notes in the same write whom else it concerns that the devices or keys of a user changed, by its nid, at a position.</summary>
    public Action<WriteTransaction, long, long>? DevicesChanged { get; init; }

    /// <summary>A stream position after which nothing has changed for the user.</summary>
    public long LastChange(long user) => Watch(user).Last;

    /// <summary>A room changed: its local members, and others whom the change concerns, are woken.</summary>
    /// <param name="position">The stream position of the change. Call in the order of positions.</param>
    public void RoomChanged(long room, long position, ReadOnlySpan<long> users)
    {
        lock (_ringLock)
        {
            _ring[_ringCount++ % RingSize] = (position, room);
            _told = Math.Max(_told, position);
        }

        if (_rooms.TryGet(room, out var watched))
        {
            watched.Nudge();
        }

        foreach (var user in users)
        {
            UserChanged(user, position);
        }
    }

    /// <summary>Something of the user's own changed: account data, an invite, a device's messages.</summary>
    public void UserChanged(long user, long position)
    {
        lock (_ringLock)
        {
            _told = Math.Max(_told, position);
        }

        if (_users.TryGet(user, out var state))
        {
            state.Raise(position);
        }
    }

    /// <summary>Wakes the user's syncs without a new stream position, for what lives in memory only (typing).</summary>
    public void Nudge(ReadOnlySpan<long> users)
    {
        foreach (var user in users)
        {
            if (_users.TryGet(user, out var state))
            {
                state.Nudge();
            }
        }
    }

    /// <summary>
    /// The rooms that changed after a position, and perhaps some that changed after <paramref name="upTo"/>; null when the
    /// first is longer ago than is remembered, or the second is on the disk but was not told of yet.
    /// </summary>
    public HashSet<long>? RoomsChangedSince(long position, long upTo)
    {
        lock (_ringLock)
        {
            if (upTo > _told)
            {
                return null;
            }

            var first = Math.Max(0, _ringCount - RingSize);
            var oldest = first == 0 ? _startPosition : _ring[first % RingSize].Position;
            if (position < oldest)
            {
                return null;
            }

            var rooms = new HashSet<long>();
            for (var i = _ringCount - 1; i >= first && _ring[i % RingSize].Position > position; i--)
            {
                rooms.Add(_ring[i % RingSize].Room);
            }

            return rooms;
        }
    }

    /// <summary>A task that ends at the user's next change or nudge. Take it before looking for news, so that none is missed.</summary>
    public Task NextChange(long user) => Watch(user).Next;

    /// <summary>As <see cref="NextChange"/>, of a room, for whoever looks at it without being in it.</summary>
    public Task NextRoomChange(long room) => _rooms.GetOrAdd(room, new Watched(), WatchedBytes).Next;

    private Watched Watch(long user)
    {
        if (_users.TryGet(user, out var known))
        {
            return known;
        }

        // Watched first, then set to what is committed: a commit in between is seen by one or the other.
        var state = _users.GetOrAdd(user, new Watched(), WatchedBytes);
        state.Raise(_committedPosition());
        return state;
    }

    private sealed class Watched
    {
        private readonly Lock _lock = new();
        private long _last;
        private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public long Last => Volatile.Read(ref _last);

        public Task Next
        {
            get
            {
                lock (_lock)
                {
                    return _next.Task;
                }
            }
        }

        public void Raise(long position)
        {
            lock (_lock)
            {
                _last = Math.Max(_last, position);
            }

            Nudge();
        }

        public void Nudge()
        {
            TaskCompletionSource done;
            lock (_lock)
            {
                done = _next;
                _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            done.SetResult();
        }
    }
}
