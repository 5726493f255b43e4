using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.Devices;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>From where a user's devices were last seen.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3adminwhoisuserid</remarks>
internal static class Whois
{
    /// <summary><c>GET /_matrix/client/v3/admin/whois/{userId}</c></summary>
    public static IResult Get(string userId, Requester requester, UserAccounts accounts, UserDevices devices)
    {
        // "only be called by the user being looked up, or by a server admin"
        if (userId != requester.UserId && !requester.IsAdmin)
        {
            return AdminOnly.Refusal();
        }

        if (userId is not ['@', ..] || accounts.Find(userId) is not { } account)
        {
            return MatrixError.NotFound("There is no such user here");
        }

        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("user_id"u8, account.UserId);
            json.WriteStartObject("devices"u8);
            foreach (var device in devices.List(account.User))
            {
                json.WriteStartObject(device.DeviceId);
                json.WriteStartArray("sessions"u8);
                json.WriteStartObject();
                json.WriteStartArray("connections"u8);
                if (device.LastSeenTs is { } seen)
                {
                    json.WriteStartObject();
                    if (device.LastSeenIp is not null)
                    {
                        json.WriteString("ip"u8, device.LastSeenIp);
                    }

                    json.WriteNumber("last_seen"u8, seen);
                    if (device.UserAgent is not null)
                    {
                        json.WriteString("user_agent"u8, device.UserAgent);
                    }

                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        });
    }
}
