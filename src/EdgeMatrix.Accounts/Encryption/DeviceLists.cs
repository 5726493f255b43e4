using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.Encryption;

/// <summary>Tells those who may encrypt to a user that the user's devices or keys have changed.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user</remarks>
internal static class DeviceLists
{
    /// <summary>Stands in the place of a device for the keys that sign other keys.</summary>
    public const string CrossSigning = "";

    /// <summary>Notes the change as the next thing that happens, and wakes the user and whoever shares a room with them.</summary>
    /// <remarks>
    /// "m.device_list_update EDUs … must be sent whenever that user's device list changes (i.e. for new or deleted devices, … or changes in device
    /// information such as the device's human-readable name)": and what users of other servers hear of, those of this one do.
    /// </remarks>
    /// <param name="user">Nid of the user.</param>
    /// <param name="deviceId">Which device it is, or was.</param>
    public static void Changed(WriteTransaction db, ChangeNotifier notifier, long user, string deviceId)
    {
        var position = db.NextPosition();
        DeviceChangeTable.Set(db, new DeviceChangeRow(position, user, deviceId, StreamId(db, user)));
        Tell(db, notifier, user, position);
    }

    /// <summary>What changed is shown to the user alone: the key by which the user signs those of others.</summary>
    public static void OwnChanged(WriteTransaction db, ChangeNotifier notifier, long user)
    {
        var position = db.NextPosition();
        DeviceListTable.SetOwn(db, user, position);
        db.AfterCommit(() => notifier.UserChanged(user, position));
    }

    /// <summary>As <see cref="Changed"/>, of a user of another server, which tells the others itself.</summary>
    public static void ChangedElsewhere(WriteTransaction db, ChangeNotifier notifier, long user) => Tell(db, notifier, user, db.NextPosition());

    /// <summary>The number by which other servers know the state of a user's devices; 0 where they never changed.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management</remarks>
    public static long StreamId(Session db, long user) => DeviceChangeTable.Last(db, user)?.Position ?? DeviceListTable.LastChange(db, user);

    private static void Tell(WriteTransaction db, ChangeNotifier notifier, long user, long position)
    {
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
