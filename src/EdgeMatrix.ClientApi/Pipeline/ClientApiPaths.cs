using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Pipeline;

/// <summary>Which requests are for Matrix; the rest of the server's paths are left as they are.</summary>
internal static class ClientApiPaths
{
    public static bool IsMatrix(PathString path) =>
        path.StartsWithSegments("/_matrix", StringComparison.Ordinal)
        || path.StartsWithSegments("/.well-known/matrix", StringComparison.Ordinal)
        || path.StartsWithSegments("/_synapse", StringComparison.Ordinal);
}
