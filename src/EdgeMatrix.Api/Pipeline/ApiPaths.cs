using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Api.Pipeline;

/// <summary>Which requests are for Matrix, in any case of letters, as routing finds them; the rest of the server's paths are left as they are.</summary>
internal static class ApiPaths
{
    public static bool IsMatrix(PathString path) =>
        path.StartsWithSegments("/_matrix", StringComparison.OrdinalIgnoreCase)
        || path.StartsWithSegments("/.well-known/matrix", StringComparison.OrdinalIgnoreCase)
        || path.StartsWithSegments("/_synapse", StringComparison.OrdinalIgnoreCase);
}
