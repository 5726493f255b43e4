using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.Encryption;

/// <summary>Tells those who may encrypt to a user that the user's devices or keys have changed.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user</remarks>
internal static class DeviceLists
{
    /// <summary>Notes the change as the next thing that happens, and wakes the user and whoever shares a room with them.</summary>
    /// <param name="user">Nid of the user.</param>
    public static void Changed(WriteTransaction db, ChangeNotifier notifier, long user)
    {
        var position = db.NextPosition();
        DeviceListTable.Set(db, user, position);
        notifier.DevicesChanged?.Invoke(db, user, position);
        var others = MembershipTable.LocalsWithSharedRoom(db, user);
        db.AfterCommit(() =>
        {
            notifier.UserChanged(user, position);
            others.ForEach(other => notifier.UserChanged(other, position));
        });
    }
}
