using EdgeMatrix.Sync;
using EdgeMatrix.Sync.Filters;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;

namespace EdgeMatrix.ClientApi.Sync;

/// <summary>The endpoints of syncing.</summary>
public static class SyncRoutes
{
    public static void MapSync(this IEndpointRouteBuilder routes) => routes.Get(
        "/_matrix/client/v3/sync",
        c => SyncEndpoint.Get(
            c.Request, c.Requester, c.Part<SyncEngine>(), c.Part<StoredFilters>(), c.Spool, c.Part<IHostApplicationLifetime>()));
}
