using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Federation.Devices;

/// <summary>All that a server says of the devices of one of its users.</summary>
/// <param name="StreamId">How far it goes, as the server counts; <see cref="RemoteDeviceListRow.NoStreamId"/>: it does not say.</param>
/// <param name="MasterKey">A JSON object, UTF-8; null if there is none, or none that holds.</param>
/// <param name="SelfSigningKey">As <paramref name="MasterKey"/>.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1userdevicesuserid</remarks>
public sealed record DeviceListAnswer(long StreamId, IReadOnlyList<DeviceKeyRow> Devices, byte[]? MasterKey, byte[]? SelfSigningKey)
{
    /// <summary>So many devices of one user are kept.</summary>
    public const int MaxDevices = 1_000;

    private const int MaxIdBytes = 255;
    private const int MaxNameCharacters = 256;

    // Keys are opaque, and those of post-quantum algorithms have thousands of bytes.
    private const int MaxKeyBytes = 32 * 1024;

    /// <summary>
    /// Reads the answer to <c>GET /_matrix/federation/v1/user/devices/{userId}</c>. A device that is described badly is left out.
    /// </summary>
    /// <returns>Null if it is no list of devices of the user, or one that is too long.</returns>
    public static DeviceListAnswer? Read(string userId, JsonElement answer)
    {
        if (answer.Find("user_id"u8) is { } of && !(of.ValueKind == JsonValueKind.String && of.ValueEquals(userId))
            || answer.ArrayOrNull("devices"u8) is not { } list || list.GetArrayLength() > MaxDevices)
        {
            return null;
        }

        var devices = new Dictionary<string, DeviceKeyRow>(StringComparer.Ordinal);
        foreach (var entry in list.EnumerateArray())
        {
            if (entry.StringOrNull("device_id"u8) is { } id && ReadDevice(userId, id, entry) is { } device)
            {
                devices[id] = device;
            }
        }

        return new DeviceListAnswer(
            answer.IntegerOrNull("stream_id"u8) ?? RemoteDeviceListRow.NoStreamId,
            [.. devices.Values],
            ReadCrossSigning(userId, CrossSigningKey.Master, answer.ObjectOrNull("master_key"u8)),
            ReadCrossSigning(userId, CrossSigningKey.SelfSigning, answer.ObjectOrNull("self_signing_key"u8)));
    }

    public static bool IsDeviceId(string? id) => id is { Length: > 0 } && Encoding.UTF8.GetByteCount(id) <= MaxIdBytes;

    /// <summary>
    /// Reads the <c>keys</c> and the <c>device_display_name</c> of a device. Who signed the keys is for clients to judge: they trust nobody else.
    /// </summary>
    /// <returns>Null if it has no keys, or those of another device.</returns>
    public static DeviceKeyRow? ReadDevice(string userId, string deviceId, JsonElement described)
    {
        if (!IsDeviceId(deviceId)
            || described.ObjectOrNull("keys"u8) is not { } keys
            || keys.Find("user_id"u8) is { } user && !(user.ValueKind == JsonValueKind.String && user.ValueEquals(userId))
            || keys.Find("device_id"u8) is { } device && !(device.ValueKind == JsonValueKind.String && device.ValueEquals(deviceId))
            || Write(keys) is not { } written)
        {
            return null;
        }

        var name = described.StringOrNull("device_display_name"u8);
        return new DeviceKeyRow(deviceId, name is { Length: > MaxNameCharacters } ? null : name, written);
    }

    /// <summary>Reads a key by which a user signs others.</summary>
    /// <param name="usage"><c>master</c> or <c>self_signing</c>.</param>
    /// <returns>Null if it is none of the user for that use.</returns>
    public static byte[]? ReadCrossSigning(string userId, string usage, JsonElement? key) =>
        key is { } given && CrossSigningKey.Read(given, userId, usage, out _).IsValid ? Write(given) : null;

    // What a server adds in passing is not of the key.
    private static byte[]? Write(JsonElement key)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var property in key.EnumerateObject().Where(property => !property.NameEquals("unsigned"u8)))
            {
                property.WriteTo(json);
            }

            json.WriteEndObject();
        }

        return buffer.Length <= MaxKeyBytes ? buffer.ToArray() : null;
    }
}
