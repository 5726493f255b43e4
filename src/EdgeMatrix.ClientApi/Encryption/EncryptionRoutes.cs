using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.Federation.Users;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi.Encryption;

/// <summary>The endpoints of end-to-end encryption.</summary>
public static class EncryptionRoutes
{
    private const string V3 = "/_matrix/client/v3";

    // Of before v1.1.
    private const string Unstable = "/_matrix/client/unstable";
    private const string Version = V3 + "/room_keys/version";
    private const string Keys = V3 + "/room_keys/keys";
    private const string Dehydrated = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";

    public static void MapEncryption(this IEndpointRouteBuilder routes)
    {
        routes.Post(V3 + "/keys/upload", c => KeyEndpoints.Upload(c.Request, c.Requester, c.Part<KeyUploads>()));
        routes.Post(V3 + "/keys/query", c => KeyEndpoints.Query(c.Request, c.Requester, c.Part<KeyQueries>(), c.Part<RemoteKeys>(), c.Spool));
        routes.Post(V3 + "/keys/claim", c => KeyEndpoints.Claim(c.Request, c.Part<KeyClaims>(), c.Part<RemoteKeys>()));
        routes.Get(V3 + "/keys/changes", c => KeyChanges.Get(c.Request, c.Requester, c.Part<SyncEngine>()));
        routes.Put(
            V3 + "/sendToDevice/{eventType}/{txnId}",
            c => SendToDevice.Send(c["eventType"], c["txnId"], c.Request, c.Requester, c.Part<ToDeviceMessages>()));

        // Cross-signing
        foreach (var prefix in (string[])[V3, Unstable])
        {
            routes.Post(
                prefix + "/keys/device_signing/upload",
                c => CrossSigningEndpoints.Upload(
                    c.Request, c.Requester, c.Part<CrossSigning>(), c.Part<UserInteractiveAuthentication>())).WithRate(RateKind.Login);
            routes.Post(prefix + "/keys/signatures/upload", c => CrossSigningEndpoints.Sign(c.Request, c.Requester, c.Part<CrossSigning>()));
        }

        // Server-side key backups
        routes.Post(Version, c => KeyBackupVersions.Create(c.Request, c.Requester, c.Part<KeyBackups>()));
        routes.Get(Version, c => KeyBackupVersions.GetCurrent(c.Requester, c.Part<KeyBackups>()));
        routes.Get(Version + "/{version}", c => KeyBackupVersions.Get(c["version"], c.Requester, c.Part<KeyBackups>()));
        routes.Put(Version + "/{version}", c => KeyBackupVersions.Update(c["version"], c.Request, c.Requester, c.Part<KeyBackups>()));
        routes.Delete(Version + "/{version}", c => KeyBackupVersions.Delete(c["version"], c.Requester, c.Part<KeyBackups>()));
        routes.Put(Keys, c => KeyBackupKeys.PutAll(c.Request, c.Requester, c.Part<KeyBackups>()));
        routes.Get(Keys, c => KeyBackupKeys.GetAll(c.Request, c.Requester, c.Part<KeyBackups>(), c.Spool));
        routes.Delete(Keys, c => KeyBackupKeys.DeleteAll(c.Request, c.Requester, c.Part<KeyBackups>()));
        routes.Put(Keys + "/{roomId}", c => KeyBackupKeys.PutRoom(c["roomId"], c.Request, c.Requester, c.Part<KeyBackups>()));
        routes.Get(Keys + "/{roomId}", c => KeyBackupKeys.GetRoom(c["roomId"], c.Request, c.Requester, c.Part<KeyBackups>(), c.Spool));
        routes.Delete(Keys + "/{roomId}", c => KeyBackupKeys.DeleteRoom(c["roomId"], c.Request, c.Requester, c.Part<KeyBackups>()));
        routes.Put(
            Keys + "/{roomId}/{sessionId}",
            c => KeyBackupKeys.PutOne(c["roomId"], c["sessionId"], c.Request, c.Requester, c.Part<KeyBackups>()));
        routes.Get(
            Keys + "/{roomId}/{sessionId}",
            c => KeyBackupKeys.GetOne(c["roomId"], c["sessionId"], c.Request, c.Requester, c.Part<KeyBackups>()));
        routes.Delete(
            Keys + "/{roomId}/{sessionId}",
            c => KeyBackupKeys.DeleteOne(c["roomId"], c["sessionId"], c.Request, c.Requester, c.Part<KeyBackups>()));

        // MSC3814: dehydrated devices
        routes.Get(Dehydrated, c => DehydratedDeviceEndpoints.Get(c.Requester, c.Part<DehydratedDevices>()));
        routes.Put(Dehydrated, c => DehydratedDeviceEndpoints.Set(c.Request, c.Requester, c.Part<DehydratedDevices>()));
        routes.Delete(Dehydrated, c => DehydratedDeviceEndpoints.Delete(c.Requester, c.Part<DehydratedDevices>()));
        routes.Get(
            Dehydrated + "/{deviceId}/events",
            c => DehydratedDeviceEndpoints.GetEvents(c["deviceId"], c.Request, c.Requester, c.Part<DehydratedDevices>()));
        routes.Post(
            Dehydrated + "/{deviceId}/events",
            c => DehydratedDeviceEndpoints.PostEvents(c["deviceId"], c.Request, c.Requester, c.Part<DehydratedDevices>()));
    }
}
