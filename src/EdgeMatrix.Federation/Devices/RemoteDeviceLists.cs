using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Devices;

/// <summary>What a server says has changed of one device of a user.</summary>
/// <param name="PrevIds">The updates that this one follows.</param>
/// <param name="Keys">What the device is now; null: it is gone, or has no keys.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#definition-mdevice_list_update</remarks>
public sealed record DeviceListUpdate(string UserId, string DeviceId, long StreamId, IReadOnlyList<long> PrevIds, DeviceKeyRow? Keys);

/// <summary>The devices and cross-signing keys of users of other servers who share a room with a user of this one, on the disk.</summary>
/// <remarks>
/// A list is taken from its server once, and kept by the updates that the server sends from then on. Where one is missing the list is stale,
/// until its server has been asked for all of it: local users are told of the change then, when they can be given what is new.
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management
/// </remarks>
public sealed class RemoteDeviceLists(Database database, ChangeNotifier notifier)
{
    /// <summary>Called after the commit with the name of a server that is to be asked for a list.</summary>
    public Action<string>? BecameStale { get; set; }

    /// <summary>Takes an update of a user of the server.</summary>
    public Task UpdateAsync(string server, DeviceListUpdate update) => database.WriteAsync(db =>
    {
        if (UserTable.Find(db, update.UserId) is not { } user || !RemoteDeviceListTable.IsShared(db, user))
        {
            return;
        }

        var list = RemoteDeviceListTable.Find(db, user);
        if (list is not { IsStale: false, StreamId: { } known } || !Follows(update, known))
        {
            // "If the receiving server does not recognise any of the prev_ids, it means an EDU has been lost".
            MakeStale(db, list ?? RemoteDeviceListRow.Unknown(user, server));
            return;
        }

        if (update.StreamId <= known)
        {
            // It is old, unless the server counts anew, as from a backup: then it says something else than what is kept.
            if (!IsKept(db, user, update))
            {
                MakeStale(db, list);
            }

            return;
        }

        if (update.Keys is not { } device)
        {
            RemoteDeviceListTable.DeleteDevice(db, user, update.DeviceId);
        }
        else if (RemoteDeviceListTable.CountDevices(db, user) < DeviceListAnswer.MaxDevices)
        {
            RemoteDeviceListTable.SetDevice(db, user, device);
        }
        else
        {
            MakeStale(db, list);
            return;
        }

        RemoteDeviceListTable.Set(db, list with { StreamId = update.StreamId });
        Changed(db, user);
    });

    /// <summary>Takes other cross-signing keys of a user of the server; those that are not given stay as they are.</summary>
    public Task UpdateKeysAsync(string server, string userId, byte[]? masterKey, byte[]? selfSigningKey) => database.WriteAsync(db =>
    {
        if (UserTable.Find(db, userId) is not { } user || !RemoteDeviceListTable.IsShared(db, user))
        {
            return;
        }

        var list = RemoteDeviceListTable.Find(db, user);
        if (list is not { IsStale: false })
        {
            MakeStale(db, list ?? RemoteDeviceListRow.Unknown(user, server));
            return;
        }

        RemoteDeviceListTable.Set(
            db, list with { MasterKey = masterKey ?? list.MasterKey, SelfSigningKey = selfSigningKey ?? list.SelfSigningKey });
        Changed(db, user);
    });

    /// <summary>Takes all that the server said of the devices of a user, if the user still shares a room with one of this server.</summary>
    /// <param name="isOvertaken">Whether updates have come since the server was asked: then the list stays stale.</param>
    public Task StoreAsync(string server, string userId, DeviceListAnswer answer, Func<bool> isOvertaken) => database.WriteAsync(db =>
    {
        if (UserTable.Find(db, userId) is not { } user || !RemoteDeviceListTable.IsShared(db, user))
        {
            return;
        }

        var before = RemoteDeviceListTable.Find(db, user);
        var changed = before is not { StreamId: not null } || !IsAlike(db, before, answer);
        if (changed)
        {
            RemoteDeviceListTable.DeleteDevices(db, user);
            foreach (var device in answer.Devices)
            {
                RemoteDeviceListTable.SetDevice(db, user, device);
            }
        }

        var list = new RemoteDeviceListRow(user, server, answer.StreamId, IsStale: false, answer.MasterKey, answer.SelfSigningKey);
        RemoteDeviceListTable.Set(db, list);
        if (changed)
        {
            Changed(db, user);
        }

        if (isOvertaken())
        {
            MakeStale(db, list);
        }
    });

    /// <summary>Has the lists of users of a server fetched while nobody waits for them.</summary>
    public Task TrackAsync(string server, IReadOnlyList<string> users) => database.WriteAsync(db =>
    {
        foreach (var userId in users)
        {
            if (UserTable.Find(db, userId) is { } user
                && RemoteDeviceListTable.Find(db, user) is null
                && RemoteDeviceListTable.IsShared(db, user))
            {
                RemoteDeviceListTable.Set(db, RemoteDeviceListRow.Unknown(user, server));
            }
        }

        db.AfterCommit(() => BecameStale?.Invoke(server));
    });

    /// <summary>Gives up a list that its server will not give: whoever asks for it is given what the server says then.</summary>
    public Task DropAsync(string userId) => database.WriteAsync(db =>
    {
        if (UserTable.Find(db, userId) is { } user && RemoteDeviceListTable.Find(db, user) is not null)
        {
            RemoteDeviceListTable.Drop(db, user);
            Changed(db, user);
        }
    });

    /// <summary>What is kept of a user, as a user of this server may see it.</summary>
    /// <param name="viewer">Nid of the user who asks.</param>
    /// <param name="deviceIds">None stands for all.</param>
    /// <returns>Null if nothing is; and whether that is all there is, as far as the user's server has said.</returns>
    public static (UserKeys? Keys, bool IsWhole) Find(Session db, long viewer, string userId, IReadOnlyList<string> deviceIds)
    {
        if (UserTable.Find(db, userId) is not { } user || RemoteDeviceListTable.Find(db, user) is not { StreamId: not null } list)
        {
            return (null, false);
        }

        var devices = RemoteDeviceListTable.Devices(db, user);
        var keys = new List<CrossSigningRow>();
        AddKey(keys, userId, CrossSigningKey.Master, list.MasterKey);
        AddKey(keys, userId, CrossSigningKey.SelfSigning, list.SelfSigningKey);
        var wanted = deviceIds.Count == 0 ? devices : [.. devices.Where(device => deviceIds.Contains(device.DeviceId))];
        return (KeyQueries.WithSignatures(db, user, viewer, new UserKeys(userId, wanted, keys)), !list.IsStale);
    }

    private static void AddKey(List<CrossSigningRow> keys, string userId, string usage, byte[]? json)
    {
        if (json is not null && CrossSigningKey.Read(JsonElement.Parse(json), userId, usage, out var key).IsValid)
        {
            keys.Add(new CrossSigningRow(usage, key!.PublicKey, json));
        }
    }

    // Who counts from a snapshot of everything counts on from what it had told before: all of that was in the snapshot.
    private static bool Follows(DeviceListUpdate update, long known) => update.PrevIds.Count > 0 && update.PrevIds.All(id => id <= known);

    private static bool IsKept(Session db, long user, DeviceListUpdate update)
    {
        var kept = RemoteDeviceListTable.Devices(db, user).Find(device => device.DeviceId == update.DeviceId);
        return IsAlike(kept?.Keys, update.Keys?.Keys);
    }

    private static bool IsAlike(Session db, RemoteDeviceListRow before, DeviceListAnswer answer) =>
        IsAlike(before.MasterKey, answer.MasterKey) && IsAlike(before.SelfSigningKey, answer.SelfSigningKey)
        && RemoteDeviceListTable.Devices(db, before.User).ToDictionary(device => device.DeviceId) is var kept
        && kept.Count == answer.Devices.Count
        && answer.Devices.All(device => kept.TryGetValue(device.DeviceId, out var same)
            && same.DisplayName == device.DisplayName && IsAlike(same.Keys, device.Keys));

    private static bool IsAlike(byte[]? one, byte[]? other) => one.AsSpan().SequenceEqual(other) && one is null == other is null;

    private void Changed(WriteTransaction db, long user)
    {
        var position = db.NextPosition();
        DeviceListTable.Set(db, user, position);
        notifier.DevicesChanged?.Invoke(db, user, position);
        var locals = MembershipTable.LocalsWithSharedRoom(db, user);
        db.AfterCommit(() => locals.ForEach(local => notifier.UserChanged(local, position)));
    }

    private void MakeStale(WriteTransaction db, RemoteDeviceListRow list)
    {
        RemoteDeviceListTable.Set(db, list with { IsStale = true });
        db.AfterCommit(() => BecameStale?.Invoke(list.Server));
    }
}
