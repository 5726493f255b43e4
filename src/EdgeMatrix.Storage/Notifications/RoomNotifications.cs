using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage.Notifications;

/// <summary>
/// What users are notified of in a room, within one write: the one place that changes <c>notified</c>, <c>read_to</c>, <c>unread</c> and
/// <c>push_queue</c>. Call <see cref="Save"/> at the end.
/// </summary>
/// <remarks>
/// What a user has not read of an event's thread are the events of <c>notified</c> that notify them, after the place to which they have
/// read everything, or that thread: <c>unread</c> only says how many those are, so that nobody need count. A thread whose root is deleted
/// is in the main timeline, and read with it.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications
/// </remarks>
public sealed class RoomNotifications(WriteTransaction db, long room)
{
    private readonly Dictionary<long, UnreadCounts> _counts = [];
    private readonly Dictionary<long, bool> _isRoot = [];

    /// <summary>An event that was just written notifies users.</summary>
    /// <param name="event">Nid of the event.</param>
    /// <param name="thread">Nid of the root of its thread, or <see cref="UnreadTable.MainTimeline"/>.</param>
    public void Add(long @event, long thread, List<Notified> users)
    {
        users.Sort((one, other) => one.User.CompareTo(other.User));
        NotifiedTable.Insert(db, room, @event, thread, users);
        foreach (var (user, highlight) in users)
        {
            Add(user, thread, 1, highlight ? 1 : 0);
        }
    }

    /// <summary>A user who has pushers is to be told of the event by them.</summary>
    public void Queue(long @event, long thread, IReadOnlyCollection<long> users)
    {
        if (users.Count > 0)
        {
            PushQueueTable.Insert(db, users, room, @event, thread);
        }
    }

    /// <summary>The user has read up to an event, in one thread or (null) in all of the room.</summary>
    /// <returns>Whether there was something that had not been read.</returns>
    /// <remarks>Costs what notifies anybody of the room after the event: mostly nothing, as people read to the end.</remarks>
    public bool Read(long user, long upTo, long? thread)
    {
        var unread = thread is { } one
            ? Of(one)[user].Notifications
            : Of(UnreadTable.MainTimeline)[user].Notifications + Of(UnreadTable.AllThreads)[user].Notifications;
        if (unread == 0)
        {
            return false;
        }

        var read = ReadToTable.OfUser(db, room, user);
        if (read.GetValueOrDefault(thread ?? ReadToTable.Everything) >= upTo)
        {
            return false;
        }

        read[thread ?? ReadToTable.Everything] = upTo;
        ReadToTable.Set(db, room, user, thread, upTo);
        PushQueueTable.Read(db, user, room, upTo, thread);
        return Recount(user, upTo, thread, read);
    }

    /// <summary>The event notifies nobody any more.</summary>
    /// <returns>Nids of the users who have less unread by it.</returns>
    public List<long> Remove(long @event) => NotifiedTable.Find(db, room, @event) is { } row ? Remove(row, row.Users) : [];

    /// <summary>The event does not notify some users any more, of those whom it notifies.</summary>
    /// <param name="users">In the order of their nids.</param>
    public void Remove(long @event, IReadOnlyList<long> users)
    {
        if (NotifiedTable.Find(db, room, @event) is { } row)
        {
            Remove(row, row.Users.FindAll(one => users.Contains(one.User)));
        }
    }

    /// <summary>An event was deleted. Where it was the root of a thread, what is unread of that is of the main timeline now.</summary>
    public void Deleted(long @event)
    {
        Remove(@event);
        _isRoot.Remove(@event);
        var orphans = Of(@event).All;
        if (orphans.Count == 0)
        {
            return;
        }

        // Those of the main timeline are read with it, this thread's, too.
        var unread = orphans.Select(count => count.User).ToHashSet();
        var read = ReadToTable.Of(db, room, unread, @event, UnreadTable.MainTimeline);
        foreach (var (user, notifications, highlights) in orphans)
        {
            Add(user, UnreadTable.AllThreads, -notifications, -highlights);
        }

        Of(@event).Clear();
        foreach (var row in NotifiedTable.After(db, room, @event).Where(row => row.Thread == @event))
        {
            foreach (var (user, highlight) in row.Users.Where(one => unread.Contains(one.User) && row.Event > read.GetValueOrDefault(one.User)))
            {
                Add(user, UnreadTable.MainTimeline, 1, highlight ? 1 : 0);
            }
        }
    }

    /// <summary>Writes the counts that have changed.</summary>
    public void Save()
    {
        foreach (var (thread, counts) in _counts)
        {
            if (counts.IsChanged)
            {
                UnreadTable.Set(db, room, thread, counts);
            }
        }

        _counts.Clear();
    }

    private List<long> Remove(NotifiedRow row, List<Notified> users)
    {
        var thread = ThreadOf(row.Thread);
        var counts = Of(thread);
        var read = ReadToTable.Of(db, room, users.Select(one => one.User).Where(user => counts[user].Notifications > 0), row.Thread, thread);
        var changed = new List<long>();
        foreach (var (user, highlight) in users)
        {
            if (counts[user].Notifications > 0 && row.Event > read.GetValueOrDefault(user))
            {
                Add(user, thread, -1, highlight ? -1 : 0);
                changed.Add(user);
            }
        }

        NotifiedTable.SetUsers(db, room, row.Event, users.Count == row.Users.Count ? [] : row.Users.FindAll(one => !users.Contains(one)));
        PushQueueTable.Delete(db, users.Select(one => one.User), row.Event);
        return changed;
    }

    /// <param name="read">How far the user has read, thread by thread.</param>
    private bool Recount(long user, long after, long? thread, Dictionary<long, long> read)
    {
        var counted = new Dictionary<long, UnreadCount>();
        foreach (var row in NotifiedTable.After(db, room, after, user))
        {
            var actual = ThreadOf(row.Thread);
            if ((thread is null || thread == actual)
                && row.Event > read.GetValueOrDefault(ReadToTable.Everything)
                && row.Event > read.GetValueOrDefault(row.Thread)
                && row.Event > read.GetValueOrDefault(actual))
            {
                counted[actual] = counted.GetValueOrDefault(actual, new UnreadCount(user, 0, 0)).Plus(1, row.Highlight ? 1 : 0);
            }
        }

        var changed = false;
        foreach (var one in thread is { } single ? [single] : UnreadThreads(user))
        {
            var (before, now) = (Of(one)[user], counted.GetValueOrDefault(one, new UnreadCount(user, 0, 0)));
            if (before != now)
            {
                changed = true;
                Add(user, one, now.Notifications - before.Notifications, now.Highlights - before.Highlights);
            }
        }

        return changed;
    }

    private List<long> UnreadThreads(long user)
    {
        var all = Of(UnreadTable.AllThreads)[user].Notifications;
        return [UnreadTable.MainTimeline, .. UnreadTable.Threads(db, room, user, all).Select(found => found.Thread)];
    }

    private void Add(long user, long thread, long notifications, long highlights)
    {
        var counts = Of(thread);
        counts.Set(counts[user].Plus(notifications, highlights));
        if (thread > UnreadTable.MainTimeline)
        {
            Add(user, UnreadTable.AllThreads, notifications, highlights);
        }
    }

    private UnreadCounts Of(long thread)
    {
        if (!_counts.TryGetValue(thread, out var counts))
        {
            _counts[thread] = counts = UnreadTable.Find(db, room, thread);
        }

        return counts;
    }

    private long ThreadOf(long thread)
    {
        if (thread == UnreadTable.MainTimeline)
        {
            return thread;
        }

        if (!_isRoot.TryGetValue(thread, out var isRoot))
        {
            _isRoot[thread] = isRoot = EventTable.Exists(db, thread);
        }

        return isRoot ? thread : UnreadTable.MainTimeline;
    }
}
