using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.Notifications;

/// <summary>Forgets what users were notified of long ago.</summary>
public sealed class NotificationUpkeep(Database database)
{
    /// <summary>So many of a user's notifications are kept. Clients show no greater number of unread messages.</summary>
    public const int Kept = 1_000;

    private long _user;

    /// <returns>Whether there is more to do.</returns>
    public async Task<bool> SliceAsync()
    {
        _user = await database.WriteAsync(db =>
        {
            if (NotificationTable.NextUser(db, _user) is not { } user)
            {
                return 0;
            }

            NotificationTable.Trim(db, user, Kept);
            return user;
        });
        return _user != 0;
    }
}
