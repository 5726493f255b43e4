using System.Globalization;
using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.ClientApi.Authentication;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Encryption;

/// <summary>A device that receives keys while nobody is logged in.</summary>
/// <remarks>MSC3814: https://github.com/matrix-org/matrix-spec-proposals/pull/3814</remarks>
internal static class DehydratedDeviceEndpoints
{
    /// <summary><c>GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device</c></summary>
    public static IResult Get(Requester requester, DehydratedDevices dehydrated) =>
        dehydrated.Find(requester.UserNid) is not { } device ? NoDevice() : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("device_id"u8, device.DeviceId);
            json.WritePropertyName("device_data"u8);
            json.WriteRawValue(device.Data, skipInputValidation: true);
            json.WriteEndObject();
        });

    /// <summary><c>PUT /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device</c></summary>
    public static async Task<IResult> Set(HttpRequest request, Requester requester, DehydratedDevices dehydrated)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (upload, badShape) = KeyEndpoints.ReadUpload(body);
        if (badShape is not null)
        {
            return badShape;
        }

        if (!body.TryGetProperty("device_data", out var data) || Text(body, "device_id") is not { } deviceId || upload.DeviceKeys is null)
        {
            return MatrixError.MissingParam("device_id, device_data or device_keys");
        }

        var name = Text(body, "initial_device_display_name");
        if (data.ValueKind != JsonValueKind.Object)
        {
            return MatrixError.BadJson("device_data is not an object");
        }

        if (NewDevice.Refuse(deviceId, name) is { } refused)
        {
            return refused;
        }

        return await dehydrated.SetAsync(requester.UserNid, requester.UserId, deviceId, name, data, upload) is { } refusal
            ? MatrixError.From(refusal)
            : Id(deviceId);
    }

    /// <summary><c>DELETE /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device</c></summary>
    public static async Task<IResult> Delete(Requester requester, DehydratedDevices dehydrated) =>
        await dehydrated.DeleteAsync(requester.UserNid) is { } deviceId ? Id(deviceId) : NoDevice();

    /// <summary><c>GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events</c></summary>
    public static IResult GetEvents(string deviceId, HttpRequest request, Requester requester, DehydratedDevices dehydrated) =>
        Events(deviceId, request.QueryText("from"), requester, dehydrated, endsWithoutToken: true);

    /// <summary><c>POST</c> of the same path: its form before it became a <c>GET</c>, with a token in the last answer too.</summary>
    public static async Task<IResult> PostEvents(string deviceId, HttpRequest request, Requester requester, DehydratedDevices dehydrated)
    {
        var (body, error) = await request.ReadObjectOrEmptyAsync();
        return error ?? Events(deviceId, Text(body, "next_batch"), requester, dehydrated, endsWithoutToken: false);
    }

    private static IResult Events(string deviceId, string? from, Requester requester, DehydratedDevices dehydrated, bool endsWithoutToken)
    {
        long after = 0;
        if (from is not null && !long.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            return MatrixError.InvalidParam("Not a next_batch of this endpoint");
        }

        if (dehydrated.Events(requester.UserNid, deviceId, after) is not { } events)
        {
            return NoDevice();
        }

        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("events"u8);
            events.ForEach(message => json.WriteRawValue(message.Message, skipInputValidation: true));
            json.WriteEndArray();
            if (events.Count > 0 || !endsWithoutToken)
            {
                json.WriteString("next_batch"u8, KeyBackups.Text(events.Count > 0 ? events[^1].Position : after));
            }

            json.WriteEndObject();
        });
    }

    private static string? Text(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static JsonText Id(string deviceId) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("device_id"u8, deviceId);
        json.WriteEndObject();
    });

    private static MatrixError NoDevice() => MatrixError.NotFound("There is no such dehydrated device");
}
