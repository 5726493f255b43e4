using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi.Sync;

/// <summary>The endpoints of syncing.</summary>
public static class SyncRoutes
{
    public static void MapSync(this IEndpointRouteBuilder routes) => routes.MapGet("/_matrix/client/v3/sync", SyncEndpoint.Get);
}
