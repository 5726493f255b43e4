using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.Notifications;

/// <summary>Forgets what users were notified of long ago.</summary>
public sealed class NotificationUpkeep(Database database)
{
    /// <summary>So many of a user's notifications are kept that were read, and of each room so many that were not.</summary>
    public const int Kept = 1_000;

    // The user and room whose turn was last.
    private (long User, long Room) _last;
    private long _seen = -1;

    /// <returns>Whether there is more to do.</returns>
    public async Task<bool> SliceAsync()
    {
        if (_last.User == 0)
        {
            // Whoever is notified of something, or reads it, is told in the stream.
            var position = database.CommittedPosition;
            if (position == _seen)
            {
                return false;
            }

            _seen = position;
        }

        _last = await database.WriteAsync(db =>
        {
            if (NotificationTable.NextUnread(db, _last.User, _last.Room) is { } room)
            {
                NotificationTable.TrimUnread(db, _last.User, room, Kept);
                return (_last.User, room);
            }

            if (NotificationTable.NextUser(db, _last.User) is not { } user)
            {
                return (0, 0);
            }

            NotificationTable.TrimRead(db, user, Kept);
            return (user, 0);
        });
        return _last.User != 0;
    }
}
