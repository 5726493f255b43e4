using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.AppServices;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.AppServices;

/// <summary>Notes, with every write, what application services are to be told of it: so they miss nothing, and nothing twice.</summary>
/// <remarks>
/// Whom a change concerns is judged as it is written: who leaves afterwards has been there all the same.
/// Spec: https://spec.matrix.org/v1.19/application-service-api/#pushing-events
/// </remarks>
/// <param name="queued">Called after the commit with each that there is something new for.</param>
public sealed class AppServiceNews(KnownAppServices services, RoomInterest interest, Action<AppService> queued)
{
    private readonly AppService[] _told = [.. services.All.Where(service => service.Registration.Url is not null)];

    /// <summary>An event was written to the end of a timeline.</summary>
    public void Record(WriteTransaction db, AppendedEvent appended)
    {
        foreach (var service in _told)
        {
            // "if a local user matching one of the namespaces is the target of the event, or is a joined member of the room".
            if (appended.Pdu is { Type: EventTypes.Member, StateKey: { } target } && service.IsUser(target)
                || interest.Is(db, service, appended.Room.Nid, appended.Room.Id))
            {
                Queue(db, service, new AppServiceNewsRow(appended.Nid, AppServiceNewsKind.Event, appended.Nid));
            }
        }
    }

    /// <summary>A receipt moved.</summary>
    public void ReceiptMoved(WriteTransaction db, Room room, long user, ReceiptType type, long position)
    {
        foreach (var service in _told)
        {
            // "Private read receipts MUST only be sent for users matching one of the application service's namespaces."
            if (service.ReceivesEphemeral
                && (type != ReceiptType.ReadPrivate || service.IsUser(UserTable.Name(db, user)!))
                && interest.Is(db, service, room.Nid, room.Id))
            {
                Queue(db, service, new AppServiceNewsRow(position, AppServiceNewsKind.Receipt, room.Nid));
            }
        }
    }

    /// <summary>The devices or keys of a user changed.</summary>
    public void DevicesChanged(WriteTransaction db, long user, long position)
    {
        foreach (var service in _told)
        {
            if (service.Registration.Encryption && interest.IsOfUser(db, service, user, UserTable.Name(db, user)!))
            {
                Queue(db, service, new AppServiceNewsRow(position, AppServiceNewsKind.DeviceList, user));
            }
        }
    }

    /// <summary>A message was put into the inbox of a device.</summary>
    internal void ToDevice(WriteTransaction db, string userId, long device, long position)
    {
        foreach (var service in _told)
        {
            if (service.Registration.Encryption && service.IsUser(userId))
            {
                Queue(db, service, new AppServiceNewsRow(position, AppServiceNewsKind.ToDevice, device));
            }
        }
    }

    /// <summary>A device has other one-time or fallback keys left.</summary>
    internal void KeyCountsChanged(WriteTransaction db, long device)
    {
        if (!Array.Exists(_told, service => service.Registration.Encryption) || DeviceTable.Owner(db, device) is not { } owner)
        {
            return;
        }

        foreach (var service in _told)
        {
            if (service.Registration.Encryption && service.IsUser(owner.UserId))
            {
                Queue(db, service, new AppServiceNewsRow(db.NextPosition(), AppServiceNewsKind.KeyCounts, device));
            }
        }
    }

    private void Queue(WriteTransaction db, AppService service, AppServiceNewsRow news)
    {
        AppServiceQueueTable.Add(db, service.Nid, news);
        db.AfterCommit(() => queued(service));
    }
}
