using System.Text.Json;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Accounts.Encryption;

/// <summary>
/// Devices that receive keys while nobody is logged in: the client leaves one here with its secrets encrypted, and a later device of the
/// user takes it up to read what came for it.
/// </summary>
/// <remarks>MSC3814: https://github.com/matrix-org/matrix-spec-proposals/pull/3814</remarks>
public sealed class DehydratedDevices(Database database, KeyUploads uploads, ChangeNotifier notifier)
{
    private const int MaxEvents = 100;

    /// <summary>The user's dehydrated device, or null.</summary>
    public DehydratedDeviceRow? Find(long user)
    {
        using var snapshot = database.OpenSnapshot();
        return DehydratedDeviceTable.Find(snapshot, user);
    }

    /// <summary>Takes a device with its keys, in the place of the one that was there.</summary>
    /// <param name="data">An object that only clients read.</param>
    /// <returns>Why it is not taken; null if it is.</returns>
    public async Task<Refusal?> SetAsync(
        long user, string userId, string deviceId, string? displayName, JsonElement data, KeyUpload upload)
    {
        var (checkedKeys, refusal) = KeyUploads.Check(new DeviceOwner(user, userId, 0, deviceId), upload);
        if (refusal is not null)
        {
            return refusal;
        }

        var text = Json.Compact(data);
        try
        {
            await database.WriteAsync(db =>
            {
                Delete(db, user);
                if (DeviceTable.Find(db, user, deviceId) is not null)
                {
                    throw new RefusedException(Refusal.InvalidParam("There is a device of that id"));
                }

                var device = DeviceTable.Insert(db, user, deviceId, displayName);
                DehydratedDeviceTable.Set(db, user, device, text);
                if (uploads.Store(db, new DeviceOwner(user, userId, device, deviceId), checkedKeys!).Refusal is { } wrong)
                {
                    throw new RefusedException(wrong);
                }
            });
            return null;
        }
        catch (RefusedException refused)
        {
            return refused.Refusal;
        }
    }

    /// <summary>Deletes the user's dehydrated device; returns its id, or null if there is none.</summary>
    public Task<string?> DeleteAsync(long user) => database.WriteAsync(db => Delete(db, user));

    /// <summary>What came for the device after a stream position, up to a hundred; it stays until the device is deleted.</summary>
    /// <returns>Null if the user has no such dehydrated device.</returns>
    public List<ToDeviceRow>? Events(long user, string deviceId, long after)
    {
        using var snapshot = database.OpenSnapshot();
        return DehydratedDeviceTable.Find(snapshot, user) is { } device && device.DeviceId == deviceId
            ? ToDeviceTable.Between(snapshot, device.Device, after, long.MaxValue, MaxEvents).Rows
            : null;
    }

    private string? Delete(WriteTransaction db, long user)
    {
        if (DehydratedDeviceTable.Find(db, user) is not { } device)
        {
            return null;
        }

        if (DeviceTable.Delete(db, device.Device))
        {
            DeviceLists.Changed(db, notifier, user, device.DeviceId);
        }

        return device.DeviceId;
    }

    /// <summary>Undoes a write for what a client sent.</summary>
    private sealed class RefusedException(Refusal refusal) : Exception(refusal.Message)
    {
        public Refusal Refusal => refusal;
    }
}
