using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Encryption;

/// <summary>Messages from device to device.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging</remarks>
internal static class SendToDevice
{
    /// <summary><c>PUT /_matrix/client/v3/sendToDevice/{eventType}/{txnId}</c></summary>
    public static async Task<IResult> Send(string eventType, string txnId, HttpRequest request, Requester requester, ToDeviceMessages toDevice)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        if (!body.TryGetProperty("messages", out var users))
        {
            return MatrixError.MissingParam("messages");
        }

        var messages = new List<ToDeviceMessage>();
        if (users.ValueKind != JsonValueKind.Object)
        {
            return MatrixError.BadJson("messages is not an object");
        }

        foreach (var user in users.EnumerateObject())
        {
            if (user.Value.ValueKind != JsonValueKind.Object
                || user.Value.EnumerateObject().Any(device => device.Value.ValueKind != JsonValueKind.Object))
            {
                return MatrixError.BadJson($"{user.Name} is not given an object for each device");
            }

            messages.AddRange(user.Value.EnumerateObject().Select(device => new ToDeviceMessage(user.Name, device.Name, device.Value)));
        }

        return await toDevice.SendAsync(KeyEndpoints.Owner(requester), eventType, txnId, messages) is { } refusal
            ? MatrixError.From(refusal)
            : JsonText.Empty;
    }
}
