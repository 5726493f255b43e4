namespace EdgeMatrix.Storage.Notifications;

/// <summary>Forgets what users were notified of long ago: looks for it beside the writer, room by room, from the newest event back.</summary>
/// <remarks>Used by one caller at a time. What it remembers between two slices tells it what it need not look at again, no more.</remarks>
/// <param name="kept">So many are kept of each user in each room, read or not.</param>
public sealed class OldNotifications(Database database, int kept)
{
    private const int EventsPerSlice = 1_000;
    private const int RoomsPerSlice = 256;

    private readonly Dictionary<long, int> _ofUser = [];
    private long _room;
    private long _before;

    // All events up to here were looked at by the last run, and up to there by the one under way.
    private long _done;
    private long _begun;

    /// <returns>Whether there is more to do.</returns>
    public async Task<bool> SliceAsync()
    {
        var more = Look(out var room, out var first, out var surplus);
        if (surplus.Count > 0 || first > 0)
        {
            await database.WriteAsync(db => Forget(db, room, first, surplus));
        }

        return more;
    }

    /// <param name="first">The first event of the room, where the look has come to it and somebody has read to before it; else 0.</param>
    /// <param name="surplus">Events, and whom they are to notify no longer.</param>
    private bool Look(out long room, out long first, out List<(long Event, List<long> Users)> surplus)
    {
        (first, surplus) = (0, []);
        using var db = database.OpenSnapshot();
        if (!FindRoom(db))
        {
            room = 0;
            return _room > 0;
        }

        room = _room;
        var rows = NotifiedTable.Backward(db, room, _before, EventsPerSlice);
        foreach (var row in rows)
        {
            if (Surplus(row) is { Count: > 0 } users)
            {
                surplus.Add((row.Event, users));
            }
        }

        if (rows.Count == EventsPerSlice)
        {
            _before = rows[^1].Event;
            return true;
        }

        first = rows.Count > 0 ? rows[^1].Event : _before;
        first = ReadToTable.AnyBefore(db, room, first) ? first : 0;
        _before = 0;
        return true;
    }

    /// <summary>Goes to the next room that has notified somebody since the last run; false, where there is none, or none was found yet.</summary>
    private bool FindRoom(Snapshot db)
    {
        if (_room == 0)
        {
            _begun = db.Position;
        }

        for (var looked = 0; _before == 0; looked++)
        {
            if (looked == RoomsPerSlice)
            {
                return false;
            }

            _ofUser.Clear();
            if (_begun == _done || NotifiedTable.NextRoom(db, _room) is not { } next)
            {
                (_room, _done) = (0, _begun);
                return false;
            }

            _room = next;
            _before = NotifiedTable.Newest(db, next) > _done ? long.MaxValue : 0;
        }

        return true;
    }

    private List<long> Surplus(NotifiedRow row)
    {
        var users = new List<long>();
        foreach (var (user, _) in row.Users)
        {
            var count = _ofUser.GetValueOrDefault(user) + 1;
            _ofUser[user] = count;
            if (count > kept)
            {
                users.Add(user);
            }
        }

        return users;
    }

    private static void Forget(WriteTransaction db, long room, long first, List<(long Event, List<long> Users)> surplus)
    {
        var notifications = new RoomNotifications(db, room);
        foreach (var (@event, users) in surplus)
        {
            notifications.Remove(@event, users);
        }

        notifications.Save();
        if (first > 0)
        {
            ReadToTable.DeleteBefore(db, room, first);
        }
    }
}
