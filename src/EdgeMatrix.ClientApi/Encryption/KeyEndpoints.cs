using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Encryption;

/// <summary>The public keys of devices: published, asked for, claimed.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#key-management-api</remarks>
internal static class KeyEndpoints
{
    /// <summary><c>POST /_matrix/client/v3/keys/upload</c></summary>
    public static async Task<IResult> Upload(HttpRequest request, Requester requester, KeyUploads uploads)
    {
        // "will fail to complete operations which require a device ID (such as uploading one-time keys)"
        if (requester.DeviceId is null)
        {
            return MatrixError.MissingParam("device_id, in the query, of the device that the application service acts as,");
        }

        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (upload, badShape) = ReadUpload(body);
        if (badShape is not null)
        {
            return badShape;
        }

        var (counts, refusal) = await uploads.UploadAsync(Owner(requester), upload);
        return refusal is not null
            ? MatrixError.From(refusal)
            : JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteStartObject("one_time_key_counts"u8);
                foreach (var (algorithm, count) in counts!.OneTimeKeys)
                {
                    json.WriteNumber(algorithm, count);
                }

                json.WriteEndObject();
                json.WriteEndObject();
            });
    }

    /// <summary><c>POST /_matrix/client/v3/keys/query</c></summary>
    public static async Task<IResult> Query(HttpRequest request, Requester requester, KeyQueries queries, LocalServer server, AnswerSpool spool)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (users, badShape) = ByUser(body, "device_keys");
        if (badShape is not null)
        {
            return badShape;
        }

        var wanted = new List<(string, IReadOnlyList<string>)>();
        foreach (var user in users)
        {
            if (user.Value.ValueKind != JsonValueKind.Array
                || user.Value.EnumerateArray().Any(id => id.ValueKind != JsonValueKind.String))
            {
                return MatrixError.BadJson($"{user.Name} is not given a list of device ids");
            }

            wanted.Add((user.Name, [.. user.Value.EnumerateArray().Select(id => id.GetString()!)]));
        }

        var found = queries.Find(requester.UserNid, wanted);
        return LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("device_keys"u8);
            foreach (var user in found)
            {
                json.WriteStartObject(user.UserId);
                foreach (var device in user.Devices)
                {
                    json.WritePropertyName(device.DeviceId);
                    WriteDevice(json, device);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
            foreach (var usage in new[] { CrossSigningKey.Master, CrossSigningKey.SelfSigning, CrossSigningKey.UserSigning })
            {
                json.WriteStartObject($"{usage}_keys");
                foreach (var user in found)
                {
                    foreach (var key in user.CrossSigning.Where(key => key.Usage == usage))
                    {
                        json.WritePropertyName(user.UserId);
                        json.WriteRawValue(key.Key, skipInputValidation: true);
                    }
                }

                json.WriteEndObject();
            }

            WriteFailures(json, users, server);
            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /_matrix/client/v3/keys/claim</c></summary>
    public static async Task<IResult> Claim(HttpRequest request, KeyClaims claims, LocalServer server)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (users, badShape) = ByUser(body, "one_time_keys");
        if (badShape is not null)
        {
            return badShape;
        }

        var wanted = new List<WantedKey>();
        foreach (var user in users)
        {
            if (user.Value.ValueKind != JsonValueKind.Object
                || user.Value.EnumerateObject().Any(device => device.Value.ValueKind != JsonValueKind.String))
            {
                return MatrixError.BadJson($"{user.Name} is not given an algorithm for each device");
            }

            wanted.AddRange(user.Value.EnumerateObject().Select(device => new WantedKey(user.Name, device.Name, device.Value.GetString()!)));
        }

        var claimed = await claims.ClaimAsync(wanted);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("one_time_keys"u8);
            foreach (var user in claimed.GroupBy(key => key.UserId))
            {
                json.WriteStartObject(user.Key);
                foreach (var device in user.GroupBy(key => key.DeviceId))
                {
                    json.WriteStartObject(device.Key);
                    foreach (var (_, _, key) in device)
                    {
                        json.WritePropertyName($"{key.Algorithm}:{key.KeyId}");
                        json.WriteRawValue(key.Key, skipInputValidation: true);
                    }

                    json.WriteEndObject();
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
            WriteFailures(json, users, server);
            json.WriteEndObject();
        });
    }

    /// <summary>Reads the keys of a body; what is not there is null.</summary>
    public static (KeyUpload Upload, MatrixError? Error) ReadUpload(JsonElement body)
    {
        JsonElement? Part(string name) => body.TryGetProperty(name, out var part) && part.ValueKind != JsonValueKind.Null ? part : null;

        var upload = new KeyUpload(Part("device_keys"), Part("one_time_keys"), Part("fallback_keys"));
        return new[] { upload.DeviceKeys, upload.OneTimeKeys, upload.FallbackKeys }.Any(part => part is { ValueKind: not JsonValueKind.Object })
            ? (default, MatrixError.BadJson("device_keys, one_time_keys and fallback_keys must be objects"))
            : (upload, null);
    }

    public static DeviceOwner Owner(Requester requester) =>
        new(requester.UserNid, requester.UserId, requester.DeviceNid, requester.DeviceId ?? "");

    private static (List<JsonProperty> Users, MatrixError? Error) ByUser(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out var users))
        {
            return ([], MatrixError.MissingParam(name));
        }

        return users.ValueKind != JsonValueKind.Object
            ? ([], MatrixError.BadJson($"{name} is not an object"))
            : ([.. users.EnumerateObject().DistinctBy(user => user.Name)], null);
    }

    private static void WriteDevice(Utf8JsonWriter json, DeviceKeyRow device)
    {
        json.WriteStartObject();
        foreach (var property in JsonElement.Parse(device.Keys).EnumerateObject())
        {
            property.WriteTo(json);
        }

        json.WriteStartObject("unsigned"u8);
        if (device.DisplayName is { } name)
        {
            json.WriteString("device_display_name"u8, name);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    // "If any remote homeservers could not be reached, they are recorded here."
    private static void WriteFailures(Utf8JsonWriter json, List<JsonProperty> users, LocalServer server)
    {
        json.WriteStartObject("failures"u8);
        var servers = users.Select(user => UserId.TryParse(user.Name, out var id) ? id.ServerName : server.Name);
        foreach (var remote in servers.Where(name => name != server.Name).Distinct())
        {
            json.WriteStartObject(remote);
            json.WriteNumber("status"u8, 503);
            json.WriteString("message"u8, "This server does not talk to others yet");
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
