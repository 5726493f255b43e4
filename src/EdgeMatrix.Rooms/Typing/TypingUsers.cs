using System.Collections.Immutable;
using EdgeMatrix.Rooms.Notifications;

namespace EdgeMatrix.Rooms.Typing;

/// <summary>Who is typing in which room: in memory only, each for as long as the client said.</summary>
/// <remarks>
/// Its own stream counts every change, from the milliseconds of the start on, so that a token of an earlier run of the
/// server is older than all of this one. Spec: https://spec.matrix.org/v1.19/client-server-api/#typing-notifications
/// </remarks>
public sealed class TypingUsers : IDisposable
{
    /// <summary>The longest time-out a client may ask for, and the one it gets when it names none.</summary>
    public static readonly TimeSpan MaxTimeout = TimeSpan.FromMinutes(2);
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);

    // Some hundred bytes each. Who types beyond is refused.
    private const int MaxRooms = 4_096;
    private const int MaxTypists = 8_192;

    private readonly ChangeNotifier _notifier;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<long, RoomTyping> _rooms = [];
    private readonly ITimer _timer;
    private long _position;
    private int _typists;

    public TypingUsers(ChangeNotifier notifier, TimeProvider time)
    {
        _notifier = notifier;
        _time = time;
        StartPosition = _position = time.GetUtcNow().ToUnixTimeMilliseconds();
        _timer = time.CreateTimer(_ => Expire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Raised with the nid of a room, and the user, after somebody began or ended typing in it.</summary>
    public event Action<long, string>? Changed;

    /// <summary>The position of the newest change.</summary>
    public long Position => Interlocked.Read(ref _position);

    /// <summary>The position at which this run of the server began.</summary>
    public long StartPosition { get; }

    /// <summary>Takes the next position, for something else that is told with typing.</summary>
    internal long NextPosition() => Interlocked.Increment(ref _position);

    /// <summary>Sets whether a user types in a room.</summary>
    /// <param name="localMembers">Nids of the local users to wake.</param>
    /// <returns>False, and nothing is set, if too many type already.</returns>
    public bool Set(long room, string userId, bool typing, TimeSpan timeout, ImmutableArray<long> localMembers)
    {
        lock (_lock)
        {
            if (!_rooms.TryGetValue(room, out var users))
            {
                if (!typing)
                {
                    return true;
                }

                if (_rooms.Count >= MaxRooms)
                {
                    return false;
                }

                _rooms[room] = users = new RoomTyping();
            }

            users.LocalMembers = localMembers;
            var wasTyping = users.Until.ContainsKey(userId);
            if (typing && !wasTyping && _typists >= MaxTypists)
            {
                return false;
            }

            _typists += (typing ? 1 : 0) - (wasTyping ? 1 : 0);
            if (typing)
            {
                users.Until[userId] = _time.GetUtcNow() + (timeout > MaxTimeout ? MaxTimeout : timeout);
            }
            else
            {
                users.Until.Remove(userId);
            }

            ScheduleExpiry();
            if (wasTyping == typing)
            {
                return true;
            }

            users.Position = Interlocked.Increment(ref _position);
        }

        _notifier.Nudge(localMembers.AsSpan());
        Changed?.Invoke(room, userId);
        return true;
    }

    /// <summary>Who types in the room, if that changed after a position; null if it did not.</summary>
    public List<string>? Since(long room, long position)
    {
        lock (_lock)
        {
            return _rooms.TryGetValue(room, out var users) && users.Position > position ? [.. users.Until.Keys] : null;
        }
    }

    /// <summary>The rooms in which somebody began or ended typing after a position.</summary>
    public List<long> RoomsSince(long position)
    {
        lock (_lock)
        {
            return position >= Position ? [] : [.. _rooms.Where(r => r.Value.Position > position).Select(r => r.Key)];
        }
    }

    /// <summary>Who types in the room.</summary>
    public List<string> In(long room)
    {
        lock (_lock)
        {
            return _rooms.TryGetValue(room, out var users) ? [.. users.Until.Keys] : [];
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Expire()
    {
        var woken = new List<(long Room, ImmutableArray<long> Users, List<string> Ended)>();
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            foreach (var (room, users) in _rooms)
            {
                var ended = users.Until.Where(u => u.Value <= now).Select(u => u.Key).ToList();
                foreach (var user in ended)
                {
                    users.Until.Remove(user);
                }

                _typists -= ended.Count;
                if (ended.Count > 0)
                {
                    users.Position = Interlocked.Increment(ref _position);
                    woken.Add((room, users.LocalMembers, ended));
                }
                else if (users.Until.Count == 0 && now - users.EmptySince(now) > MaxTimeout)
                {
                    // Every client that waits has been told by now that nobody types here.
                    _rooms.Remove(room);
                }
            }

            ScheduleExpiry();
        }

        foreach (var (room, users, ended) in woken)
        {
            _notifier.Nudge(users.AsSpan());
            ended.ForEach(user => Changed?.Invoke(room, user));
        }
    }

    private void ScheduleExpiry()
    {
        var now = _time.GetUtcNow();
        var next = _rooms.Values
            .SelectMany(r => r.Until.Values)
            .Append(_rooms.Count > 0 ? now + MaxTimeout : DateTimeOffset.MaxValue)
            .Min();
        var due = next == DateTimeOffset.MaxValue ? Timeout.InfiniteTimeSpan : next > now ? next - now : TimeSpan.Zero;
        _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private sealed class RoomTyping
    {
        private DateTimeOffset? _emptySince;

        public Dictionary<string, DateTimeOffset> Until { get; } = [];

        public ImmutableArray<long> LocalMembers { get; set; } = [];

        public long Position { get; set; }

        public DateTimeOffset EmptySince(DateTimeOffset now)
        {
            if (Until.Count > 0)
            {
                _emptySince = null;
                return now;
            }

            return _emptySince ??= now;
        }
    }
}
