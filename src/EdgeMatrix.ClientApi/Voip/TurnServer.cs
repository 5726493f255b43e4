using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Voip;

/// <summary>Help with calls.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#voice-over-ip</remarks>
internal static class TurnServer
{
    /// <summary><c>GET /_matrix/client/v3/voip/turnServer</c>; MSC4166 names the answer of a server without one.</summary>
    public static IResult Get() => MatrixError.NotFound("This server has no TURN server");
}
