using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi.Encryption;

/// <summary>The endpoints of end-to-end encryption.</summary>
public static class EncryptionRoutes
{
    private const string V3 = "/_matrix/client/v3";

    public static void MapEncryption(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(V3 + "/keys/upload", KeyEndpoints.Upload);
        routes.MapPost(V3 + "/keys/query", KeyEndpoints.Query);
        routes.MapPost(V3 + "/keys/claim", KeyEndpoints.Claim);
        routes.MapGet(V3 + "/keys/changes", KeyChanges.Get);
        routes.MapPut(V3 + "/sendToDevice/{eventType}/{txnId}", SendToDevice.Send);
    }
}
