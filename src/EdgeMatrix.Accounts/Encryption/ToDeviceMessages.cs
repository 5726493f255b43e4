using System.Text;
using System.Text.Json;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Identifiers;
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
/// <param name="outgoing">
/// Keeps, in the same write, for a server the content of an <c>m.direct_to_device</c> EDU, JSON, until that server has it.
/// </param>
public sealed class ToDeviceMessages(
    Database database,
    LocalServer server,
    ChangeNotifier notifier,
    AppServiceNews appServices,
    Action<WriteTransaction, string, string> outgoing,
    RandomSource random,
    TimeProvider time)
{
    /// <summary>The most that one message may have.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>About so many wait for a device that never comes for them; then the oldest goes.</summary>
    public const int MaxWaiting = 10_000;

    private const string AllDevices = "*";

    // "Arbitrary utf8 string, of maximum length 32 codepoints."
    private const int MessageIdLength = 22;

    // Counting what waits takes longer than adding to it.
    private const int TrimEvery = 64;
    private const long SecondsPerDay = 86_400;

    // Of a server so many ids of messages are remembered, each for so long: it repeats what was not answered, and that is soon.
    private const int ReceivedKept = 10_000;
    private const int ReceivedTrimEvery = 256;
    private const int ForgottenAtOnce = 1_000;
    private static readonly TimeSpan _receivedKept = TimeSpan.FromDays(7);

    /// <summary>Sends all of them once for one transaction id of a device. Devices and users that are not there are passed over.</summary>
    /// <returns>Null, or why none was sent.</returns>
    public async Task<Refusal?> SendAsync(DeviceOwner sender, string type, string txnId, IReadOnlyList<ToDeviceMessage> messages)
    {
        // "Idempotency" is that of one device, endpoint and transaction id.
        var endpoint = $"sendToDevice {type}";
        var written = messages.Select(message => (Message: message, Text: Write(sender.UserId, type, message.Content))).ToList();
        if (written.Exists(message => Encoding.UTF8.GetByteCount(message.Text) > MaxBytes))
        {
            return new Refusal(RefusalKind.TooLarge, $"A message to a device has at most {MaxBytes} bytes");
        }

        var edus = messages.Where(message => UserId.TryParse(message.UserId, out _) && !server.Owns(message.UserId))
            .GroupBy(message => message.UserId[(message.UserId.IndexOf(':') + 1)..])
            .SelectMany(ofServer => Parts(ofServer).Select(part => (Server: ofServer.Key, Content: WriteEdu(sender.UserId, type, part))))
            .ToList();
        await database.WriteAsync(db =>
        {
            if (TransactionTable.IsKnown(db, sender.Device, endpoint, txnId))
            {
                return;
            }

            TransactionTable.Insert(
                db, sender.Device, endpoint, txnId, TransactionTable.NoEvent, time.GetUtcNow().ToUnixTimeSeconds() / SecondsPerDay);
            foreach (var (message, text) in written.Where(one => server.Owns(one.Message.UserId)))
            {
                Deliver(db, message, text);
            }

            edus.ForEach(edu => outgoing(db, edu.Server, edu.Content));
        });
        return null;
    }

    /// <summary>Takes messages of a user of another server, once for an id of that server. Those that are too large are passed over.</summary>
    /// <param name="origin">The server.</param>
    public Task ReceiveAsync(string origin, string sender, string type, string messageId, IReadOnlyList<ToDeviceMessage> messages)
    {
        var written = messages.Where(message => server.Owns(message.UserId))
            .Select(message => (message, Text: Write(sender, type, message.Content)))
            .Where(message => Encoding.UTF8.GetByteCount(message.Text) <= MaxBytes)
            .ToList();
        return database.WriteAsync(db =>
        {
            if (ReceivedMessageTable.TryAdd(db, origin, messageId, time.GetUtcNow().ToUnixTimeMilliseconds()) is not { } nid)
            {
                return;
            }

            if (nid % ReceivedTrimEvery == 0)
            {
                ReceivedMessageTable.Trim(db, origin, ReceivedKept);
            }

            foreach (var (message, text) in written)
            {
                Deliver(db, message, text);
            }
        });
    }

    /// <summary>Upkeep: forgets some of the ids of messages that came long ago.</summary>
    /// <returns>Whether there are more.</returns>
    public async Task<bool> ForgetReceivedAsync()
    {
        var before = (time.GetUtcNow() - _receivedKept).ToUnixTimeMilliseconds();
        return await database.WriteAsync(db => ReceivedMessageTable.DeleteOld(db, before, ForgottenAtOnce)) == ForgottenAtOnce;
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

    /// <summary>Parts messages for one server so that an EDU of each part takes no more than one large message does.</summary>
    private static List<List<ToDeviceMessage>> Parts(IEnumerable<ToDeviceMessage> messages)
    {
        var parts = new List<List<ToDeviceMessage>>();
        var length = 0;
        foreach (var message in messages)
        {
            var own = message.Content.GetRawText().Length;
            if (parts.Count == 0 || length + own > MaxBytes)
            {
                parts.Add([]);
                length = 0;
            }

            parts[^1].Add(message);
            length += own;
        }

        return parts;
    }

    private string WriteEdu(string sender, string type, List<ToDeviceMessage> messages) => Json.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("sender"u8, sender);
        json.WriteString("type"u8, type);
        json.WriteString("message_id"u8, random.Base62(MessageIdLength));
        json.WriteStartObject("messages"u8);
        foreach (var ofUser in messages.GroupBy(message => message.UserId))
        {
            json.WriteStartObject(ofUser.Key);
            foreach (var message in ofUser.DistinctBy(message => message.DeviceId))
            {
                json.WritePropertyName(message.DeviceId);
                message.Content.WriteTo(json);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    });
}
