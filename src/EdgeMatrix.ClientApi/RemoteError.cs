using EdgeMatrix.Federation.Requests;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi;

/// <summary>What a client is told where another server was to answer, and did not.</summary>
internal static class RemoteError
{
    private static readonly string[] _passedOn = ["M_FORBIDDEN", "M_NOT_FOUND", "M_LIMIT_EXCEEDED", "M_INVALID_PARAM", "M_UNRECOGNIZED"];

    /// <param name="notFound">What is said where the other server knows nothing of it, or is not asked.</param>
    public static MatrixError Of(FederationFailure failure, string notFound) => failure switch
    {
        { IsNotFound: true } or { Kind: FederationFailureKind.NotAsked } => MatrixError.NotFound(notFound),

        // Codes of what is wrong between servers would tell a client to log in anew.
        { Kind: FederationFailureKind.Refused, Code: { } code } when _passedOn.Contains(code) => new MatrixError(failure.Status, code, failure.Message),
        _ => new MatrixError(StatusCodes.Status504GatewayTimeout, "M_UNKNOWN", failure.Message),
    };
}
