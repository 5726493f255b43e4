using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.AppServices;

/// <summary>As which user, and perhaps which device, an application service makes a request.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#identity-assertion</remarks>
internal static class AppServiceIdentity
{
    // By its name of before the release too.
    private static readonly string[] _deviceParameters = ["device_id", "org.matrix.msc3202.device_id"];

    /// <summary>The requester that it asserts to be, with what that account may do; or why it may not be that.</summary>
    public static (Requester? Requester, AccountStanding Standing, MatrixError? Error) Read(HttpRequest request, AppService service, Database database)
    {
        var userId = request.QueryText("user_id") ?? service.SenderId;
        if (!service.IsUser(userId))
        {
            return (null, default, MatrixError.Forbidden($"{userId} is none of the users of this application service"));
        }

        using var db = database.OpenSnapshot();
        if (AccountTable.Find(db, userId) is not { IsDeactivated: false } account)
        {
            return (null, default, MatrixError.Forbidden($"{userId} has no account: this application service has not registered it"));
        }

        // Requests without a device are told apart from those of devices by a number that none has.
        var requester = new Requester(userId, account.User, null, -account.User, account.Admin)
        {
            IsGuest = account.Standing.Guest,
            IsSuspended = account.Standing.Suspended,
            AppService = service,
        };
        foreach (var name in _deviceParameters)
        {
            if (request.QueryText(name) is { } deviceId)
            {
                return DeviceTable.Find(db, account.User, deviceId) is { } device
                    ? (requester with { DeviceId = deviceId, DeviceNid = device.Nid }, account.Standing, null)
                    : (null, default, new MatrixError(400, "M_UNKNOWN_DEVICE", $"{userId} has no device {deviceId}"));
            }
        }

        return (requester, account.Standing, null);
    }
}
