using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi;

/// <summary>The user and device behind the access token of this request.</summary>
/// <param name="UserNid">Nid of the user.</param>
/// <param name="DeviceNid">Nid of the device; never used again once the device is deleted.</param>
public sealed record Requester(string UserId, long UserNid, string DeviceId, long DeviceNid, bool IsAdmin)
{
    /// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#guest-access</summary>
    public bool IsGuest { get; init; }

    /// <summary>Spec: https://spec.matrix.org/v1.19/client-server-api/#account-suspension</summary>
    public bool IsSuspended { get; init; }

    /// <summary>Null only where the endpoint takes requests without a token.</summary>
    public static ValueTask<Requester?> BindAsync(HttpContext context) => ValueTask.FromResult(context.Features.Get<Requester>());
}
