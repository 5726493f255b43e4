using System.Text;
using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Federation.Receiving;

/// <summary><c>m.direct_to_device</c>: messages of a user of another server to devices of users of this one.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging</remarks>
public sealed class IncomingMessages(ToDeviceMessages toDevice)
{
    // "a maximum length of 32 codepoints": some servers make longer ones.
    private const int MaxIdBytes = 255;
    private const int MaxTypeBytes = 255;

    // Of a transaction as large as may be, some thousands.
    private const int MostMessages = 10_000;

    /// <returns>Whether it was taken.</returns>
    public async Task<bool> ReceiveAsync(string origin, JsonElement content)
    {
        if (content.StringOrNull("sender"u8) is not { } sender || !EduOrigin.Owns(origin, sender)
            || content.StringOrNull("type"u8) is not { Length: > 0 } type || Encoding.UTF8.GetByteCount(type) > MaxTypeBytes
            || content.StringOrNull("message_id"u8) is not { Length: > 0 } messageId || Encoding.UTF8.GetByteCount(messageId) > MaxIdBytes
            || content.ObjectOrNull("messages"u8) is not { } byUser)
        {
            return false;
        }

        var messages = byUser.EnumerateObject()
            .Where(user => user.Value.ValueKind == JsonValueKind.Object)
            .SelectMany(user => user.Value.EnumerateObject()
                .Where(device => device.Value.ValueKind == JsonValueKind.Object)
                .Select(device => new ToDeviceMessage(user.Name, device.Name, device.Value)))
            .Take(MostMessages);
        await toDevice.ReceiveAsync(origin, sender, type, messageId, [.. messages]);
        return true;
    }
}
