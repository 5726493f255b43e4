using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi;

/// <summary>Which endpoints stay open to accounts that may not do everything.</summary>
/// <remarks>Each is named by its method and route, as the route tables have it; a test holds that there is such an endpoint.</remarks>
public static class AccountLimits
{
    private const string V3 = "/_matrix/client/v3";
    private const string V1 = "/_matrix/client/v1";
    private const string Room = V3 + "/rooms/{roomId}";

    /// <summary>
    /// "servers MUST return a 401 Unauthorized error response with an M_USER_LOCKED error code and soft_logout set to true on all but the
    /// following Client-Server APIs".
    /// </summary>
    public static readonly IReadOnlyList<string> ForLocked = [$"POST {V3}/logout", $"POST {V3}/logout/all"];

    /// <summary>"the recommended set of explicitly forbidden actions", and what else would speak or change rooms in the user's name.</summary>
    /// <remarks>
    /// Sending is judged by the handlers: users may redact their own events. Spec: https://spec.matrix.org/v1.19/client-server-api/#account-suspension
    /// </remarks>
    public static readonly IReadOnlyList<string> NotForSuspended =
    [
        $"POST {V3}/join/{{roomIdOrAlias}}",
        $"POST {Room}/join",
        $"POST {V3}/knock/{{roomIdOrAlias}}",
        $"POST {Room}/invite",
        $"POST {Room}/kick",
        $"POST {Room}/ban",
        $"POST {Room}/unban",
        $"POST {V3}/createRoom",
        $"POST {Room}/upgrade",
        $"PUT {Room}/state/{{eventType}}/{{stateKey?}}",
        $"PUT {Room}/typing/{{userId}}",
        $"PUT {V3}/directory/room/{{roomAlias}}",
        $"DELETE {V3}/directory/room/{{roomAlias}}",
        $"PUT {V3}/directory/list/room/{{roomId}}",
        $"PUT {V3}/profile/{{userId}}/{{keyName}}",
        $"DELETE {V3}/profile/{{userId}}/{{keyName}}",
        "PUT /_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}/{keyName}",
        "DELETE /_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}/{keyName}",
        "POST /_matrix/media/v3/upload",
        "PUT /_matrix/media/v3/upload/{serverName}/{mediaId}",
    ];

    /// <summary>"The following API endpoints are allowed to be accessed by guest accounts", and what tells a client where it is.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#guest-access</remarks>
    public static readonly IReadOnlyList<string> ForGuests =
    [
        $"GET {Room}/state",
        $"GET {Room}/context/{{eventId}}",
        $"GET {Room}/event/{{eventId}}",
        $"GET {Room}/state/{{eventType}}/{{stateKey?}}",
        $"GET {Room}/messages",
        $"GET {Room}/members",
        $"GET {Room}/initialSync",
        $"GET {V3}/sync",
        $"GET {V3}/events",
        $"GET {V1}/media/download/{{serverName}}/{{mediaId}}",
        $"GET {V1}/media/download/{{serverName}}/{{mediaId}}/{{fileName}}",
        $"GET {V1}/media/thumbnail/{{serverName}}/{{mediaId}}",
        $"POST {Room}/join",
        $"POST {Room}/leave",
        $"PUT {Room}/send/{{eventType}}/{{txnId}}",
        $"PUT {Room}/state/{{eventType}}/{{stateKey?}}",
        $"PUT {V3}/sendToDevice/{{eventType}}/{{txnId}}",
        $"PUT {V3}/profile/{{userId}}/{{keyName}}",
        $"DELETE {V3}/profile/{{userId}}/{{keyName}}",
        $"GET {V3}/devices",
        $"GET {V3}/devices/{{deviceId}}",
        $"PUT {V3}/devices/{{deviceId}}",
        $"GET {V3}/account/whoami",
        $"POST {V3}/keys/upload",
        $"POST {V3}/keys/query",
        $"POST {V3}/keys/claim",

        // Not in the list, but no client begins without, and none tells more than a guest may know.
        $"GET {V3}/capabilities",
        $"GET {V3}/pushrules",
        $"POST {V3}/user/{{userId}}/filter",
        $"GET {V3}/user/{{userId}}/filter/{{filterId}}",
        $"POST {V3}/join/{{roomIdOrAlias}}",
        $"POST {V3}/logout",
        $"POST {V3}/logout/all",
    ];

    /// <summary>Marks every endpoint of the group with what limits it.</summary>
    public static void WithAccountLimits(this IEndpointConventionBuilder group) => group.Add(endpoint =>
    {
        if (endpoint is RouteEndpointBuilder route)
        {
            var method = route.Metadata.OfType<HttpMethodMetadata>().FirstOrDefault()?.HttpMethods[0];
            var name = $"{method} {route.RoutePattern.RawText}";
            route.Metadata.Add(new AccountLimitMark(ForLocked.Contains(name), ForGuests.Contains(name), NotForSuspended.Contains(name)));
        }
    });
}

/// <summary>Who may call an endpoint, of those who may not call all.</summary>
internal sealed record AccountLimitMark(bool ForLocked, bool ForGuests, bool NotForSuspended);
