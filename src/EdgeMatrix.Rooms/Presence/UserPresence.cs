using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Rooms.Typing;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Presence;

public enum PresenceState
{
    Offline,
    Unavailable,
    Online,
}

/// <summary>What others are told of a user.</summary>
/// <param name="LastActiveTs">ms since the Unix epoch; null if the user was not active since the server started.</param>
public sealed record PresenceStatus(string UserId, PresenceState State, string? Message, long? LastActiveTs, bool CurrentlyActive);

/// <summary>Who is there: in memory only, for as long as their clients sync; but what users say of how they are is kept on the disk.</summary>
/// <remarks>
/// Changes take their numbers from the stream of typing, so that a sync token needs no further part; nobody is looked at who is away. Spec: https://spec.matrix.org/v1.19/client-server-api/#presence
/// </remarks>
public sealed class UserPresence : IDisposable
{
    /// <summary>Who was not active for so long is <c>unavailable</c>.</summary>
    public static readonly TimeSpan IdleAfter = TimeSpan.FromMinutes(5);

    /// <summary>Who did not sync for so long is <c>offline</c>: longer than clients rest between two syncs.</summary>
    public static readonly TimeSpan OfflineAfter = TimeSpan.FromSeconds(60);

    // "When true, the server will not send further updates to the last active time".
    private static readonly TimeSpan _currentlyActive = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _step = TimeSpan.FromSeconds(15);

    /// <summary>How long what another server said of a user holds, if it says nothing more: servers say it again within that.</summary>
    public static readonly TimeSpan RemoteHolds = TimeSpan.FromMinutes(30);

    // Some hundred bytes each. Who comes beyond is shown to nobody; and users of other servers, however many, leave room for those of this one.
    private const int MaxUsers = 8_192;
    private const int MaxRemote = MaxUsers / 2;

    private readonly Database _database;
    private readonly ChangeNotifier _notifier;
    private readonly TypingUsers _typing;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<long, Entry> _users = [];
    private readonly ITimer _timer;
    private bool _scheduled;
    private int _remote;

    public UserPresence(bool enabled, Database database, ChangeNotifier notifier, TypingUsers typing, TimeProvider time)
    {
        (Enabled, _database, _notifier, _typing, _time) = (enabled, database, notifier, typing, time);
        _timer = time.CreateTimer(_ => Step(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (enabled)
        {
            using var snapshot = database.OpenSnapshot();
            foreach (var (user, userId, message) in StatusMessageTable.All(snapshot, MaxUsers))
            {
                _users[user] = new Entry(userId) { Message = message };
            }
        }
    }

    public bool Enabled { get; }

    /// <summary>Raised with the nid of a user after their presence became another.</summary>
    public event Action<long>? Changed;

    /// <summary>A client of the user begins to wait for news.</summary>
    /// <param name="device">Nid of the client's device.</param>
    /// <param name="declared">What the client says of itself; offline: it is not to show.</param>
    /// <param name="until">How long it will wait.</param>
    public void Synced(long user, string userId, long device, PresenceState declared, TimeSpan until)
    {
        if (declared != PresenceState.Offline)
        {
            Change(user, userId, entry =>
            {
                var now = _time.GetUtcNow();
                if (declared == PresenceState.Online)
                {
                    entry.OnlineBy = device;
                }
                else if (entry.OnlineBy == device)
                {
                    // It was this one that was online.
                    entry.OnlineUntil = DateTimeOffset.MinValue;
                }

                entry.Here(now + until, declared == PresenceState.Online);
                if (entry.State == PresenceState.Offline && declared == PresenceState.Online)
                {
                    entry.LastActive = now;
                }
            });
        }
    }

    /// <summary>The user did something, such as sending a message. It ends their rest, but who does not show stays unseen.</summary>
    public void Active(long user, string userId) => Change(user, userId, entry =>
    {
        entry.LastActive = _time.GetUtcNow();
        if (entry.State != PresenceState.Offline)
        {
            entry.Here(entry.LastActive.Value, online: true);
        }
    });

    /// <summary>The user says how they are.</summary>
    /// <param name="device">Nid of the device that they say it with.</param>
    /// <param name="message">Null takes an earlier one away.</param>
    public async Task SetAsync(long user, string userId, long device, PresenceState state, string? message)
    {
        if (Set(user, userId, device, state, message))
        {
            // Of two at once the later write may be of the earlier: so what holds now is written.
            await _database.WriteAsync(db => StatusMessageTable.Set(db, user, Get(user, userId).Message));
        }
    }

    /// <returns>Whether the message is another than before.</returns>
    private bool Set(long user, string userId, long device, PresenceState state, string? message)
    {
        var changed = false;
        Change(user, userId, entry =>
        {
            changed = entry.Message != message;
            Set(entry, state, message);
            entry.OnlineBy = device;
        });
        return changed;
    }

    private void Set(Entry entry, PresenceState state, string? message)
    {
        var now = _time.GetUtcNow();
        entry.Message = message;
        entry.Said = true;
        if (state == PresenceState.Online)
        {
            entry.LastActive = now;
        }
        else
        {
            entry.OnlineUntil = DateTimeOffset.MinValue;
        }

        if (state == PresenceState.Offline)
        {
            entry.SyncsUntil = now;
        }
        else
        {
            entry.Here(now, state == PresenceState.Online);
        }
    }

    /// <summary>Another server says how a user of its own is, who shares a room with a user of this one.</summary>
    /// <param name="lastActive">When the user was last active; null if that is not said.</param>
    public void Receive(long user, string userId, PresenceState state, string? message, DateTimeOffset? lastActive, bool currentlyActive)
    {
        if (!MayReceive(user))
        {
            return;
        }

        Change(user, userId, entry =>
        {
            var now = _time.GetUtcNow();
            _remote += entry.Remote is null ? 1 : 0;
            entry.Said = entry.Message != message;
            entry.Message = message;
            entry.LastActive = lastActive < now ? lastActive : lastActive is null ? entry.LastActive : now;
            entry.Remote = (state, currentlyActive);
            entry.SyncsUntil = state == PresenceState.Offline ? now : now + RemoteHolds;
        });
    }

    public PresenceStatus Get(long user, string userId)
    {
        lock (_lock)
        {
            return _users.TryGetValue(user, out var entry) ? Status(entry) : new PresenceStatus(userId, PresenceState.Offline, null, null, false);
        }
    }

    /// <summary>Whoever's presence changed after a position; at the beginning whoever is there.</summary>
    public List<(long User, PresenceStatus Status)> Since(long position)
    {
        if (!Enabled)
        {
            return [];
        }

        lock (_lock)
        {
            return [.. _users.Where(user => user.Value.Position > position && (position > 0 || user.Value.State != PresenceState.Offline))
                .Select(user => (user.Key, Status(user.Value)))];
        }
    }

    /// <summary>How those of the users are of whom anything is known.</summary>
    public List<PresenceStatus> Of(IEnumerable<long> users)
    {
        if (!Enabled)
        {
            return [];
        }

        lock (_lock)
        {
            return [.. users.Where(_users.ContainsKey).Select(user => Status(_users[user]))];
        }
    }

    /// <summary>"Presence information is published to all users who share a room with the target user."</summary>
    public static bool MaySee(Session db, long viewer, long user) => viewer == user
        || MembershipTable.OfBoth(db, viewer, user).Exists(both => both is (
            { Membership: Membership.Join }, { Membership: Membership.Join }));

    public void Dispose() => _timer.Dispose();

    private void Change(long user, string userId, Action<Entry> change)
    {
        if (!Enabled)
        {
            return;
        }

        lock (_lock)
        {
            if (!_users.TryGetValue(user, out var entry))
            {
                if (_users.Count >= MaxUsers)
                {
                    return;
                }

                _users[user] = entry = new Entry(userId);
            }

            change(entry);
            var isNews = Refresh(entry);
            Schedule();
            if (!isNews)
            {
                return;
            }
        }

        Tell(user);
    }

    private bool MayReceive(long user)
    {
        lock (_lock)
        {
            return _remote < MaxRemote || _users.ContainsKey(user);
        }
    }

    /// <summary>Works out what is to be shown, and whether that is another than before.</summary>
    private bool Refresh(Entry entry)
    {
        var now = _time.GetUtcNow();
        var rested = now - (entry.LastActive ?? DateTimeOffset.MinValue);

        // "The server will automatically set a user's presence to unavailable if their last active time was over a threshold value".
        var state = now >= entry.SyncsUntil ? PresenceState.Offline
            : entry.Remote is { } remote ? remote.State
            : now < entry.OnlineUntil && rested < IdleAfter ? PresenceState.Online
            : PresenceState.Unavailable;
        var active = state == PresenceState.Online && (entry.Remote?.IsActive ?? rested < _currentlyActive);
        if (state == entry.State && active == entry.CurrentlyActive && !entry.Said)
        {
            return false;
        }

        (entry.State, entry.CurrentlyActive, entry.Said) = (state, active, false);
        entry.Position = _typing.NextPosition();
        return true;
    }

    private void Step()
    {
        var changed = new List<long>();
        lock (_lock)
        {
            _scheduled = false;
            foreach (var (user, entry) in _users)
            {
                if (Refresh(entry))
                {
                    changed.Add(user);
                }
                else if (entry.State == PresenceState.Offline && (entry.Message is null || entry.Remote is not null)
                    && _time.GetUtcNow() - entry.SyncsUntil > IdleAfter)
                {
                    // Every client that waits has been told by now.
                    _users.Remove(user);
                    _remote -= entry.Remote is null ? 0 : 1;
                }
            }

            Schedule();
        }

        changed.ForEach(Tell);
    }

    private void Schedule()
    {
        var now = _time.GetUtcNow();
        if (!_scheduled && _users.Values.Any(entry => entry.State != PresenceState.Offline || now - entry.SyncsUntil <= IdleAfter + _step))
        {
            _scheduled = true;
            _timer.Change(_step, Timeout.InfiniteTimeSpan);
        }
    }

    private void Tell(long user)
    {
        using (var db = _database.OpenSnapshot())
        {
            _notifier.Nudge([user, .. MembershipTable.LocalsWithSharedRoom(db, user)]);
        }

        Changed?.Invoke(user);
    }

    private static PresenceStatus Status(Entry entry) =>
        new(entry.UserId, entry.State, entry.Message, entry.LastActive?.ToUnixTimeMilliseconds(), entry.CurrentlyActive);

    private sealed class Entry(string userId)
    {
        public string UserId => userId;

        public PresenceState State { get; set; }

        public string? Message { get; set; }

        public DateTimeOffset? LastActive { get; set; }

        /// <summary>Of a user of another server, what that said.</summary>
        public (PresenceState State, bool IsActive)? Remote { get; set; }

        /// <summary>Until then some client is there, whatever it says of its user.</summary>
        public DateTimeOffset SyncsUntil { get; set; }

        /// <summary>Until then some client is there that says that its user is online: of several clients the liveliest counts.</summary>
        public DateTimeOffset OnlineUntil { get; set; }

        /// <summary>The device that said so last.</summary>
        public long OnlineBy { get; set; }

        public bool CurrentlyActive { get; set; }

        public bool Said { get; set; }

        public long Position { get; set; }

        public void Here(DateTimeOffset until, bool online)
        {
            SyncsUntil = Later(SyncsUntil, until + OfflineAfter);
            OnlineUntil = online ? Later(OnlineUntil, until + OfflineAfter) : OnlineUntil;
        }

        private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;
    }
}
