using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Api.Encryption;

/// <summary>What is alike in asking for keys, and claiming them, whether a user asks or another server.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#end-to-end-encryption</remarks>
internal static class KeyBodies
{
    /// <summary>The wanted devices by user of a <c>device_keys</c>; none stands for all.</summary>
    public static (List<(string UserId, IReadOnlyList<string> DeviceIds)> Wanted, MatrixError? Error) ReadQuery(JsonElement body)
    {
        var (users, error) = ByUser(body, "device_keys");
        var wanted = new List<(string, IReadOnlyList<string>)>();
        foreach (var user in users)
        {
            if (user.Value.ValueKind != JsonValueKind.Array
                || user.Value.EnumerateArray().Any(id => id.ValueKind != JsonValueKind.String))
            {
                return ([], MatrixError.BadJson($"{user.Name} is not given a list of device ids"));
            }

            wanted.Add((user.Name, [.. user.Value.EnumerateArray().Select(id => id.GetString()!)]));
        }

        return (wanted, error);
    }

    /// <summary>The wanted keys of a <c>one_time_keys</c>.</summary>
    public static (List<WantedKey> Wanted, MatrixError? Error) ReadClaim(JsonElement body)
    {
        var (users, error) = ByUser(body, "one_time_keys");
        var wanted = new List<WantedKey>();
        foreach (var user in users)
        {
            if (user.Value.ValueKind != JsonValueKind.Object
                || user.Value.EnumerateObject().Any(device => device.Value.ValueKind != JsonValueKind.String))
            {
                return ([], MatrixError.BadJson($"{user.Name} is not given an algorithm for each device"));
            }

            wanted.AddRange(user.Value.EnumerateObject().Select(device => new WantedKey(user.Name, device.Name, device.Value.GetString()!)));
        }

        return (wanted, error);
    }

    /// <summary>Writes the devices by user, into the object that is open.</summary>
    public static void WriteDevices(Utf8JsonWriter json, List<UserKeys> found)
    {
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
    }

    /// <summary>Writes the cross-signing keys of one usage by user, into the object that is open.</summary>
    public static void WriteCrossSigning(Utf8JsonWriter json, List<UserKeys> found, string usage)
    {
        foreach (var user in found)
        {
            foreach (var key in user.CrossSigning.Where(key => key.Usage == usage))
            {
                json.WritePropertyName(user.UserId);
                json.WriteRawValue(key.Key, skipInputValidation: true);
            }
        }
    }

    /// <summary>Writes claimed keys by user and device, into the object that is open.</summary>
    public static void WriteClaimed(Utf8JsonWriter json, List<ClaimedKey> claimed)
    {
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
    }

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
}
