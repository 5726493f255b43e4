using EdgeMatrix.Accounts.Devices;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;
using static EdgeMatrix.Api.JsonBody;

namespace EdgeMatrix.ClientApi.Devices;

/// <summary>The requester's devices.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#device-management</remarks>
internal static class DeviceManagement
{
    /// <summary><c>GET /_matrix/client/v3/devices</c></summary>
    public static IResult List(Requester requester, UserDevices devices) =>
        Json(new DevicesResponse([.. devices.List(requester.UserNid).Select(DeviceResponse.From)]), ClientApiJson.Default.DevicesResponse);

    /// <summary><c>GET /_matrix/client/v3/devices/{deviceId}</c></summary>
    public static IResult Get(string deviceId, Requester requester, UserDevices devices) =>
        devices.Find(requester.UserNid, deviceId) is { } device
            ? Json(DeviceResponse.From(device), ClientApiJson.Default.DeviceResponse)
            : NoSuchDevice();

    /// <summary><c>PUT /_matrix/client/v3/devices/{deviceId}</c>: application services make devices by it too.</summary>
    public static async Task<IResult> Set(string deviceId, HttpRequest request, Requester requester, UserDevices devices)
    {
        var (body, error) = await request.ReadJsonOrEmptyAsync(ClientApiJson.Default.RenameDeviceRequest);
        if (error is not null)
        {
            return error;
        }

        if (NewDevice.Refuse(requester.AppService is null ? null : deviceId, body!.DisplayName) is { } refused)
        {
            return refused;
        }

        // "If not given, the display name is unchanged."
        var found = body.DisplayName is null
            ? devices.Find(requester.UserNid, deviceId) is not null
            : await devices.RenameAsync(requester.UserNid, deviceId, body.DisplayName);
        if (found)
        {
            return JsonText.Empty;
        }

        // "The ability to create new devices is only available to application services".
        if (requester.AppService is null)
        {
            return NoSuchDevice();
        }

        return await devices.AddAsync(requester.UserNid, deviceId, body.DisplayName)
            ? new JsonText("{}"u8.ToArray(), StatusCodes.Status201Created)
            : MatrixError.Forbidden("A cross-signing key has that ID: it cannot be a device's");
    }

    /// <summary><c>DELETE /_matrix/client/v3/devices/{deviceId}</c></summary>
    public static async Task<IResult> Delete(
        string deviceId, HttpRequest request, Requester requester, UserInteractiveAuthentication authentication, Logins logins)
    {
        var (body, error) = await request.ReadObjectOrEmptyAsync();
        if (error is not null)
        {
            return error;
        }

        if (await authentication.CheckPasswordAsync(request, body, requester) is { } challenge)
        {
            return challenge;
        }

        await logins.LogOutAsync(requester.UserNid, [deviceId]);
        return JsonText.Empty;
    }

    /// <summary><c>POST /_matrix/client/v3/delete_devices</c></summary>
    public static async Task<IResult> DeleteMany(
        HttpRequest request, Requester requester, UserInteractiveAuthentication authentication, Logins logins)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (wanted, badShape) = body.As(ClientApiJson.Default.DeleteDevicesRequest);
        if (badShape is not null)
        {
            return badShape;
        }

        if (await authentication.CheckPasswordAsync(request, body, requester) is { } challenge)
        {
            return challenge;
        }

        await logins.LogOutAsync(requester.UserNid, wanted!.Devices);
        return JsonText.Empty;
    }

    private static MatrixError NoSuchDevice() => MatrixError.NotFound("You have no such device");
}

/// <param name="LastSeenTs">ms since the Unix epoch.</param>
internal sealed record DeviceResponse(string DeviceId, string? DisplayName, string? LastSeenIp, long? LastSeenTs)
{
    public static DeviceResponse From(DeviceRow device) =>
        new(device.DeviceId, device.DisplayName, device.LastSeenIp, device.LastSeenTs);
}

internal sealed record DevicesResponse(DeviceResponse[] Devices);

internal sealed record RenameDeviceRequest
{
    public string? DisplayName { get; init; }
}

internal sealed record DeleteDevicesRequest(string[] Devices);
