using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Accounts.Devices;

/// <summary>The devices that users are logged in with.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#device-management</remarks>
public sealed class UserDevices(Database database, ChangeNotifier notifier)
{
    /// <param name="user">Nid of the user.</param>
    public IReadOnlyList<DeviceRow> List(long user)
    {
        using var snapshot = database.OpenSnapshot();
        return DeviceTable.OfUser(snapshot, user);
    }

    public DeviceRow? Find(long user, string deviceId)
    {
        using var snapshot = database.OpenSnapshot();
        return DeviceTable.Find(snapshot, user, deviceId);
    }

    /// <summary>Adds a device that nobody is logged in with: an application service acts as it.</summary>
    /// <returns>False if the id is that of one of the user's cross-signing keys, which others would take the device for.</returns>
    public Task<bool> AddAsync(long user, string deviceId, string? displayName) => database.WriteAsync(db =>
    {
        if (CrossSigningTable.OfUser(db, user).Any(key => key.PublicKey == deviceId))
        {
            return false;
        }

        if (DeviceTable.Find(db, user, deviceId) is null)
        {
            DeviceTable.Insert(db, user, deviceId, displayName);
            DeviceLists.Changed(db, notifier, user, deviceId);
        }

        return true;
    });

    /// <summary>False if the user has no such device.</summary>
    public Task<bool> RenameAsync(long user, string deviceId, string? displayName) =>
        database.WriteAsync(db =>
        {
            if (DeviceTable.Find(db, user, deviceId) is not { } device)
            {
                return false;
            }

            DeviceTable.Rename(db, device.Nid, displayName);
            DeviceLists.Changed(db, notifier, user, device.DeviceId);
            return true;
        });
}
