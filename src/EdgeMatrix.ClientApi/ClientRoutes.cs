using EdgeMatrix.ClientApi.Pipeline;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi;

/// <summary>Every client-server endpoint, one line each, in the order of the specification.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/</remarks>
public static class ClientRoutes
{
    public static void MapClientApi(this IEndpointRouteBuilder routes)
    {
        _ = routes.MapGroup("").WithToken();
    }
}
