using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Users;

/// <summary><c>GET /_matrix/federation/v1/user/devices/{userId}</c>: all devices of a user of this server.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1userdevicesuserid</remarks>
internal static class UserDevicesEndpoint
{
    public static IResult Get(string userId, LocalServer server, KeyQueries queries, AnswerSpool spool)
    {
        if (!UserId.TryParse(userId, out _) || !server.Owns(userId))
        {
            return MatrixError.InvalidParam("Not a user of this server");
        }

        if (queries.DevicesOf(userId) is not { } found)
        {
            return MatrixError.NotFound("No such user");
        }

        return LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteString("user_id"u8, userId);
            json.WriteNumber("stream_id"u8, found.StreamId);
            json.WriteStartArray("devices"u8);
            foreach (var device in found.Keys.Devices)
            {
                json.WriteStartObject();
                json.WriteString("device_id"u8, device.DeviceId);
                json.WritePropertyName("keys"u8);
                json.WriteRawValue(device.Keys, skipInputValidation: true);
                if (device.DisplayName is { } name)
                {
                    json.WriteString("device_display_name"u8, name);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            foreach (var key in found.Keys.CrossSigning.Where(key => key.Usage != CrossSigningKey.UserSigning))
            {
                json.WritePropertyName(key.Usage == CrossSigningKey.Master ? "master_key"u8 : "self_signing_key"u8);
                json.WriteRawValue(key.Key, skipInputValidation: true);
            }

            json.WriteEndObject();
        });
    }
}
