using System.Text;
using System.Text.Json;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.Encryption;

/// <param name="DeviceId"><c>*</c> for all devices of the user.</param>
public readonly record struct ToDeviceMessage(string UserId, string DeviceId, JsonElement Content);

/// <summary>Sends messages from device to device, outside of any room. They lie here until each device has said that it has them.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging</remarks>
public sealed class ToDeviceMessages(
    Database database, LocalServer server, ChangeNotifier notifier, AppServiceNews appServices, TimeProvider time)
{
    /// <summary>The most that one message may have.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>About so many wait for a device that never comes for them; then the oldest goes.</summary>
    public const int MaxWaiting = 10_000;

    private const string AllDevices = "*";

    // Counting what waits takes longer than adding to it.
    private const int TrimEvery = 64;
    private const long SecondsPerDay = 86_400;

    /// <summary>Sends all of them once for one transaction id of a device. Devices and users that are not there are passed over.</summary>
    /// <returns>Null, or why none was sent.</returns>
    public async Task<Refusal?> SendAsync(DeviceOwner sender, string type, string txnId, IReadOnlyList<ToDeviceMessage> messages)
    {
        // "Idempotency" is that of one device, endpoint and transaction id.
        var endpoint = $"sendToDevice {type}";
        var written = messages.Where(message => server.Owns(message.UserId)).Select(message => (message, Text: Write(sender.UserId, type, message.Content))).ToList();
        if (written.Exists(message => Encoding.UTF8.GetByteCount(message.Text) > MaxBytes))
        {
            return new Refusal(RefusalKind.TooLarge, $"A message to a device has at most {MaxBytes} bytes");
        }

        await database.WriteAsync(db =>
        {
            if (TransactionTable.IsKnown(db, sender.Device, endpoint, txnId))
            {
                return;
            }

            TransactionTable.Insert(
                db, sender.Device, endpoint, txnId, TransactionTable.NoEvent, time.GetUtcNow().ToUnixTimeSeconds() / SecondsPerDay);
            foreach (var (message, text) in written)
            {
                Deliver(db, message, text);
            }
        });
        return null;
    }

    private void Deliver(WriteTransaction db, ToDeviceMessage message, string text)
    {
        if (UserTable.Find(db, message.UserId) is not { } user)
        {
            return;
        }

        var devices = message.DeviceId == AllDevices
            ? DeviceTable.OfUser(db, user)
            : DeviceTable.Find(db, user, message.DeviceId) is { } one ? [one] : [];
        foreach (var device in devices)
        {
            var position = db.NextPosition();
            ToDeviceTable.Insert(db, device.Nid, position, text);
            appServices.ToDevice(db, message.UserId, device.Nid, position);
            if (position % TrimEvery == 0)
            {
                ToDeviceTable.Trim(db, device.Nid, MaxWaiting);
            }

            db.AfterCommit(() => notifier.UserChanged(user, position));
        }
    }

    private static string Write(string sender, string type, JsonElement content) => Json.Write(json =>
    {
        json.WriteStartObject();
        json.WritePropertyName("content"u8);
        content.WriteTo(json);
        json.WriteString("sender"u8, sender);
        json.WriteString("type"u8, type);
        json.WriteEndObject();
    });
}
