using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.PushRules;

/// <summary>Where notifications are pushed to: nowhere, as this server does not push.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers</remarks>
internal static class Pushers
{
    /// <summary><c>GET /_matrix/client/v3/pushers</c></summary>
    public static IResult List() => new JsonText("""{"pushers":[]}"""u8.ToArray());
}
