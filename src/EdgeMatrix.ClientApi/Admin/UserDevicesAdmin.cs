using System.Text.Json;
using EdgeMatrix.Accounts.Devices;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>The devices of a user.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html#user-devices</remarks>
internal static class UserDevicesAdmin
{
    /// <summary><c>GET /_synapse/admin/v2/users/{userId}/devices</c></summary>
    public static IResult List(string userId, Database database, LocalServer server)
    {
        using var db = database.OpenSnapshot();
        var (account, error) = AdminUser.Find(db, server, userId);
        if (account is null)
        {
            return error!;
        }

        var devices = DeviceTable.OfUser(db, account.User);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("devices"u8);
            devices.ForEach(device => Write(json, device, account.UserId));
            json.WriteEndArray();
            json.WriteNumber("total"u8, devices.Count);
            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /_synapse/admin/v2/users/{userId}/devices</c>: makes one that has no access token, unless it is there.</summary>
    public static async Task<IResult> Add(string userId, HttpRequest request, Database database, LocalServer server, UserDevices devices)
    {
        var (given, badBody) = await request.ReadObjectAsync();
        if (badBody is not null)
        {
            return badBody;
        }

        var body = new AdminBody(given);
        var deviceId = body.Text("device_id");
        var (account, error) = Find(database, server, userId);
        if ((body.Error ?? error ?? (deviceId is null ? MatrixError.MissingParam("device_id") : NewDevice.Refuse(deviceId, null))) is { } refused)
        {
            return refused;
        }

        return devices.Find(account!.User, deviceId!) is not null || await devices.AddAsync(account.User, deviceId!, null)
            ? new JsonText("{}"u8.ToArray(), StatusCodes.Status201Created)
            : MatrixError.BadRequest("A cross-signing key has that ID: it cannot be a device's");
    }

    /// <summary><c>GET /_synapse/admin/v2/users/{userId}/devices/{deviceId}</c></summary>
    public static IResult Get(string userId, string deviceId, Database database, LocalServer server)
    {
        using var db = database.OpenSnapshot();
        var (account, error) = AdminUser.Find(db, server, userId);
        return account is null ? error!
            : DeviceTable.Find(db, account.User, deviceId) is { } device ? JsonText.Write(json => Write(json, device, account.UserId))
            : MatrixError.NotFound("The user has no such device");
    }

    /// <summary><c>PUT /_synapse/admin/v2/users/{userId}/devices/{deviceId}</c></summary>
    public static async Task<IResult> Rename(
        string userId, string deviceId, HttpRequest request, Database database, LocalServer server, UserDevices devices)
    {
        var (body, badBody) = await request.ReadObjectOrEmptyAsync();
        var (account, error) = Find(database, server, userId);
        var given = badBody is null ? new AdminBody(body) : null;
        var name = given?.Text("display_name");
        if ((badBody ?? error ?? given!.Error ?? NewDevice.Refuse(null, name)) is { } refused)
        {
            return refused;
        }

        return await devices.RenameAsync(account!.User, deviceId, name) ? JsonText.Empty : MatrixError.NotFound("The user has no such device");
    }

    /// <summary><c>DELETE /_synapse/admin/v2/users/{userId}/devices/{deviceId}</c></summary>
    public static async Task<IResult> Delete(string userId, string deviceId, Database database, LocalServer server, Logins logins)
    {
        var (account, error) = Find(database, server, userId);
        if (account is null)
        {
            return error!;
        }

        await logins.LogOutAsync(account.User, [deviceId]);
        return JsonText.Empty;
    }

    /// <summary><c>POST /_synapse/admin/v2/users/{userId}/delete_devices</c></summary>
    public static async Task<IResult> DeleteMany(string userId, HttpRequest request, Database database, LocalServer server, Logins logins)
    {
        var (wanted, badBody) = await request.ReadJsonAsync(ClientApiJson.Default.DeleteDevicesRequest);
        var (account, error) = Find(database, server, userId);
        if ((badBody ?? error) is { } refused)
        {
            return refused;
        }

        await logins.LogOutAsync(account!.User, wanted!.Devices);
        return JsonText.Empty;
    }

    private static (AccountRow? Account, MatrixError? Error) Find(Database database, LocalServer server, string userId)
    {
        using var db = database.OpenSnapshot();
        return AdminUser.Find(db, server, userId);
    }

    private static void Write(Utf8JsonWriter json, DeviceRow device, string userId)
    {
        json.WriteStartObject();
        json.WriteString("device_id"u8, device.DeviceId);
        json.WriteString("display_name"u8, device.DisplayName);
        json.WriteString("last_seen_ip"u8, device.LastSeenIp);
        json.WritePropertyName("last_seen_ts"u8);
        if (device.LastSeenTs is { } seen)
        {
            json.WriteNumberValue(seen);
        }
        else
        {
            json.WriteNullValue();
        }

        json.WriteString("user_id"u8, userId);
        json.WriteEndObject();
    }
}
