using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi;

/// <summary>The user and device behind the access token of this request.</summary>
/// <param name="UserNid">Nid of the user.</param>
/// <param name="DeviceNid">Nid of the device; never used again once the device is deleted.</param>
public sealed record Requester(string UserId, long UserNid, string DeviceId, long DeviceNid, bool IsAdmin)
{
    /// <summary>Null only where the endpoint takes requests without a token.</summary>
    public static ValueTask<Requester?> BindAsync(HttpContext context) => ValueTask.FromResult(context.Features.Get<Requester>());
}
