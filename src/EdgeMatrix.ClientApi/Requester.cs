using EdgeMatrix.Accounts.AppServices;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi;

/// <summary>The user and device behind the access token of this request; or as which an application service makes it.</summary>
/// <param name="UserNid">Nid of the user.</param>
/// <param name="DeviceId">Null where an application service names none.</param>
/// <param name="DeviceNid">Nid of the device; never used again once the device is deleted. Negative, and the user's, where there is none.</param>
public sealed record Requester(string UserId, long UserNid, string? DeviceId, long DeviceNid, bool IsAdmin)
{
    /// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#guest-access</summary>
    public bool IsGuest { get; init; }

    /// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#account-suspension</summary>
    public bool IsSuspended { get; init; }

    /// <summary>Rooms are read as if their visibility and membership were no matter: set where administrators look into one.</summary>
    public bool ReadsEverything { get; init; }

    /// <summary>Whose <c>as_token</c> the access token is; null where it is a device's.</summary>
    public AppService? AppService { get; init; }

    /// <summary>Null only where the endpoint takes requests without a token.</summary>
    public static ValueTask<Requester?> BindAsync(HttpContext context) => ValueTask.FromResult(context.Features.Get<Requester>());
}
