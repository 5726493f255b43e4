using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.ThirdPartyNetworks;

/// <summary>Networks that bridges lead to: none, as this server has no application services.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#third-party-networks</remarks>
internal static class ThirdPartyLookup
{
    /// <summary><c>GET /_matrix/client/v3/thirdparty/protocols</c></summary>
    public static IResult Protocols() => JsonText.Empty;

    /// <summary><c>GET /_matrix/client/v3/thirdparty/protocol/{protocol}</c>, and what is asked of one.</summary>
    public static IResult OfProtocol(string protocol) => MatrixError.NotFound($"This server knows no protocol {protocol}");

    /// <summary><c>GET /_matrix/client/v3/thirdparty/location</c> and <c>/user</c>, by what a Matrix client knows.</summary>
    public static IResult None() => new JsonText("[]"u8.ToArray());
}
