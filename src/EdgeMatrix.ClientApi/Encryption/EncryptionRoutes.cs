using EdgeMatrix.ClientApi.Limits;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi.Encryption;

/// <summary>The endpoints of end-to-end encryption.</summary>
public static class EncryptionRoutes
{
    private const string V3 = "/_matrix/client/v3";
    private const string Version = V3 + "/room_keys/version";
    private const string Keys = V3 + "/room_keys/keys";
    private const string Dehydrated = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";

    public static void MapEncryption(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(V3 + "/keys/upload", KeyEndpoints.Upload);
        routes.MapPost(V3 + "/keys/query", KeyEndpoints.Query);
        routes.MapPost(V3 + "/keys/claim", KeyEndpoints.Claim);
        routes.MapGet(V3 + "/keys/changes", KeyChanges.Get);
        routes.MapPut(V3 + "/sendToDevice/{eventType}/{txnId}", SendToDevice.Send);

        // Cross-signing
        routes.MapPost(V3 + "/keys/device_signing/upload", CrossSigningEndpoints.Upload).WithRate(RateKind.Login);
        routes.MapPost(V3 + "/keys/signatures/upload", CrossSigningEndpoints.Sign);

        // Server-side key backups
        routes.MapPost(Version, KeyBackupVersions.Create);
        routes.MapGet(Version, KeyBackupVersions.GetCurrent);
        routes.MapGet(Version + "/{version}", KeyBackupVersions.Get);
        routes.MapPut(Version + "/{version}", KeyBackupVersions.Update);
        routes.MapDelete(Version + "/{version}", KeyBackupVersions.Delete);
        routes.MapPut(Keys, KeyBackupKeys.PutAll);
        routes.MapGet(Keys, KeyBackupKeys.GetAll);
        routes.MapDelete(Keys, KeyBackupKeys.DeleteAll);
        routes.MapPut(Keys + "/{roomId}", KeyBackupKeys.PutRoom);
        routes.MapGet(Keys + "/{roomId}", KeyBackupKeys.GetRoom);
        routes.MapDelete(Keys + "/{roomId}", KeyBackupKeys.DeleteRoom);
        routes.MapPut(Keys + "/{roomId}/{sessionId}", KeyBackupKeys.PutOne);
        routes.MapGet(Keys + "/{roomId}/{sessionId}", KeyBackupKeys.GetOne);
        routes.MapDelete(Keys + "/{roomId}/{sessionId}", KeyBackupKeys.DeleteOne);

        // MSC3814: dehydrated devices
        routes.MapGet(Dehydrated, DehydratedDeviceEndpoints.Get);
        routes.MapPut(Dehydrated, DehydratedDeviceEndpoints.Set);
        routes.MapDelete(Dehydrated, DehydratedDeviceEndpoints.Delete);
        routes.MapGet(Dehydrated + "/{deviceId}/events", DehydratedDeviceEndpoints.GetEvents);
        routes.MapPost(Dehydrated + "/{deviceId}/events", DehydratedDeviceEndpoints.PostEvents);
    }
}
