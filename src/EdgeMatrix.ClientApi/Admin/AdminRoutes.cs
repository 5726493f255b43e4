using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Accounts.Deactivation;
using EdgeMatrix.Accounts.Devices;
using EdgeMatrix.Accounts.Notices;
using EdgeMatrix.Accounts.Profiles;
using EdgeMatrix.Accounts.Registration;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.Federation;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Federation.Sending;
using EdgeMatrix.Media;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Purging;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>What Synapse's administration interface has, as far as tools use it; for the access tokens of administrators.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/usage/administration/admin_api/</remarks>
internal static class AdminRoutes
{
    private const string V1 = "/_synapse/admin/v1";
    private const string V2 = "/_synapse/admin/v2";
    private const string Room = V1 + "/rooms/{roomId}";
    private const string Destination = V1 + "/federation/destinations/{destination}";
    private const string User = V2 + "/users/{userId}";

    public static void MapAdmin(this IEndpointRouteBuilder routes)
    {
        routes.Get(V1 + "/server_version", c => ServerVersion.Get()).WithoutToken();

        var admin = routes.MapGroup("").ForAdmins();

        // Users
        admin.Get(V2 + "/users", c => UserList.Get(c.Request, c.Database));
        admin.Get("/_synapse/admin/v3/users", c => UserList.Get(c.Request, c.Database));
        admin.Get(User, c => UserAdmin.Get(c["userId"], c.Database, c.Server));
        admin.Put(
            User,
            c => UserEditing.Set(
                c["userId"], c.Request, c.Requester, c.Database, c.Server, c.Part<UserAccounts>(), c.Part<UserProfiles>(),
                c.Part<AccountDeactivation>(), c.Part<UserThreePids>()));
        admin.Post(
            V1 + "/deactivate/{userId}",
            c => UserAdmin.Deactivate(c["userId"], c.Request, c.Database, c.Server, c.Part<AccountDeactivation>()));
        admin.Post(
            V1 + "/reset_password/{userId}",
            c => UserAdmin.ResetPassword(c["userId"], c.Request, c.Database, c.Server, c.Part<UserAccounts>()));
        admin.Get(V1 + "/whois/{userId}", c => Whois.Get(c["userId"], c.Requester, c.Part<UserAccounts>(), c.Part<UserDevices>()));
        admin.Get(V1 + "/users/{userId}/admin", c => UserAdmin.GetAdmin(c["userId"], c.Database, c.Server));
        admin.Put(
            V1 + "/users/{userId}/admin",
            c => UserAdmin.SetAdmin(c["userId"], c.Request, c.Requester, c.Database, c.Server, c.Part<UserAccounts>()));
        admin.Get(V1 + "/users/{userId}/joined_rooms", c => UserAdmin.JoinedRooms(c["userId"], c.Database));
        admin.Post(
            V1 + "/users/{userId}/login",
            c => UserAdmin.LogIn(c["userId"], c.Request, c.Requester, c.Database, c.Server, c.Part<Logins>()));
        admin.Put(
            V1 + "/suspend/{userId}",
            c => UserAdmin.Suspend(c["userId"], c.Request, c.Requester, c.Database, c.Server, c.Part<UserAccounts>()));
        admin.Post(
            V1 + "/user/{userId}/redact",
            c => UserRedaction.Begin(c["userId"], c.Request, c.Requester, c.Engine, c.Part<AdminTasks>()));
        admin.Get(V1 + "/user/redact_status/{redactId}", c => UserRedaction.Status(c["redactId"], c.Part<AdminTasks>()));
        admin.Post(
            V1 + "/join/{roomIdOrAlias}",
            c => RoomEntry.Join(c["roomIdOrAlias"], c.Request, c.Requester, c.Engine, c.Part<RoomMembers>(), c.Part<UserAccounts>()));
        admin.Post(V1 + "/send_server_notice", c => NoticesAdmin.Send(c.Request, c.Part<UserAccounts>(), c.Part<ServerNotices>()));
        admin.Put(
            V1 + "/send_server_notice/{txnId}",
            c => NoticesAdmin.SendOnce(c["txnId"], c.Request, c.Requester, c.Part<UserAccounts>(), c.Part<ServerNotices>()));
        admin.Get(
            V1 + "/username_available",
            c => Registration.IsAvailableToAdmins(c.Request, c.Part<UserAccounts>(), c.Part<ServerNotices>(), c.Part<KnownAppServices>()));
        admin.Get(V1 + "/users/{userId}/memberships", c => UserRecords.Memberships(c["userId"], c.Database));
        admin.Get(V1 + "/users/{userId}/accountdata", c => UserRecords.AccountData(c["userId"], c.Database, c.Server));
        admin.Get(V1 + "/users/{userId}/pushers", c => UserRecords.PushersOf(c["userId"], c.Database, c.Server));
        admin.Get(V1 + "/users/{userId}/override_ratelimit", c => UserLimits.Get(c["userId"], c.Database, c.Server));
        admin.Post(
            V1 + "/users/{userId}/override_ratelimit",
            c => UserLimits.Set(c["userId"], c.Request, c.Database, c.Server, c.Part<RateLimiter>()));
        admin.Delete(
            V1 + "/users/{userId}/override_ratelimit", c => UserLimits.Delete(c["userId"], c.Database, c.Server, c.Part<RateLimiter>()));
        admin.Get(V1 + "/threepid/{medium}/users/{address}", c => ThreePidAdmin.FindUser(c["medium"], c["address"], c.Database));

        // Devices
        admin.Get(User + "/devices", c => UserDevicesAdmin.List(c["userId"], c.Database, c.Server));
        admin.Post(
            User + "/devices", c => UserDevicesAdmin.Add(c["userId"], c.Request, c.Database, c.Server, c.Part<UserDevices>()));
        admin.Get(User + "/devices/{deviceId}", c => UserDevicesAdmin.Get(c["userId"], c["deviceId"], c.Database, c.Server));
        admin.Put(
            User + "/devices/{deviceId}",
            c => UserDevicesAdmin.Rename(c["userId"], c["deviceId"], c.Request, c.Database, c.Server, c.Part<UserDevices>()));
        admin.Delete(
            User + "/devices/{deviceId}",
            c => UserDevicesAdmin.Delete(c["userId"], c["deviceId"], c.Database, c.Server, c.Part<Logins>()));
        admin.Post(
            User + "/delete_devices",
            c => UserDevicesAdmin.DeleteMany(c["userId"], c.Request, c.Database, c.Server, c.Part<Logins>()));

        // Rooms
        admin.Get(V1 + "/rooms", c => RoomList.Get(c.Request, c.Database));
        admin.Get(Room, c => RoomAdmin.Get(c["roomId"], c.Database));
        admin.Delete(
            Room,
            c => RoomShutDown.DeleteNow(
                c["roomId"], c.Request, c.Requester, c.Engine, c.Part<RoomPurge>(), c.Part<RoomCreation>(), c.Part<RoomMembers>()));
        admin.Get(Room + "/members", c => RoomAdmin.Members(c["roomId"], c.Database, c.Spool));
        admin.Get(Room + "/state", c => RoomAdmin.State(c["roomId"], c.Engine, c.Requester, c.Spool));
        admin.Post(
            V1 + "/rooms/{roomIdOrAlias}/make_room_admin",
            c => RoomEntry.MakeAdmin(c["roomIdOrAlias"], c.Request, c.Requester, c.Engine, c.Part<RoomMembers>()));
        admin.Get(
            Room + "/messages",
            c => RoomMessages.PageAsync(
                c["roomId"], c.Query("from"), c.Query("to"), c.Query("dir") ?? "f", c.Query("filter"), c.Request, ReadingAll(c.Requester),
                c.Engine, c.Part<RoomBackfill>(), c.Spool));
        admin.Get(
            Room + "/context/{eventId}",
            c => RoomContext.GetAsync(
                c["roomId"], c["eventId"], c.Query("filter"), c.Request, ReadingAll(c.Requester), c.Engine, c.Part<RoomBackfill>(),
                c.Spool));
        admin.Get(
            Room + "/timestamp_to_event",
            c => TimestampToEvent.FindAsync(c["roomId"], c.Request, ReadingAll(c.Requester), c.Engine, c.Part<RemoteTimestamps>()));
        admin.Get(V1 + "/rooms/{roomIdOrAlias}/forward_extremities", c => RoomExtremities.Get(c["roomIdOrAlias"], c.Engine));
        admin.Delete(
            V1 + "/rooms/{roomIdOrAlias}/forward_extremities", c => RoomExtremities.Delete(c["roomIdOrAlias"], c.Request, c.Engine));
        admin.Get(
            Room + "/hierarchy",
            c => RoomSummaries.GetHierarchy(
                c["roomId"], c.Query("from"), c.Request, ReadingAll(c.Requester), c.Engine, c.Part<RemoteSpaces>(), c.Spool));
        admin.Get(V1 + "/fetch_event/{eventId}", c => RoomAdmin.Event(c["eventId"], c.Database));
        admin.Get(V1 + "/statistics/database/rooms", c => RoomSizes.Get(c.Database));
        admin.Get(Room + "/block", c => RoomAdmin.GetBlock(c["roomId"], c.Database));
        admin.Put(Room + "/block", c => RoomAdmin.SetBlock(c["roomId"], c.Request, c.Requester, c.Database));
        admin.Delete(
            V2 + "/rooms/{roomId}",
            c => RoomShutDown.Delete(
                c["roomId"], c.Request, c.Requester, c.Engine, c.Part<RoomPurge>(), c.Part<RoomCreation>(), c.Part<RoomMembers>(),
                c.Part<AdminTasks>()));
        admin.Get(V2 + "/rooms/{roomId}/delete_status", c => RoomShutDown.StatusOfRoom(c["roomId"], c.Part<AdminTasks>()));
        admin.Get(V2 + "/rooms/delete_status/{deleteId}", c => RoomShutDown.Status(c["deleteId"], c.Part<AdminTasks>()));
        admin.Post(
            V1 + "/purge_history/{roomId}/{eventId?}",
            c => HistoryAdmin.Purge(
                c["roomId"], c.SegmentIfAny("eventId"), c.Request, c.Engine, c.Part<HistoryPurge>(), c.Part<AdminTasks>()));
        admin.Get(V1 + "/purge_history_status/{purgeId}", c => HistoryAdmin.Status(c["purgeId"], c.Part<AdminTasks>()));
        admin.Get(V1 + "/scheduled_tasks", c => TaskList.Get(c.Request, c.Part<AdminTasks>()));

        // Registration tokens, reports, media
        admin.Get(
            V1 + "/registration_tokens",
            c => RegistrationTokensAdmin.List(c.Request, c.Part<RegistrationTokens>(), c.Part<UserInteractiveAuthentication>()));
        admin.Post(
            V1 + "/registration_tokens/new",
            c => RegistrationTokensAdmin.Add(c.Request, c.Part<RegistrationTokens>(), c.Engine, c.Part<UserInteractiveAuthentication>()));
        admin.Get(
            V1 + "/registration_tokens/{token}",
            c => RegistrationTokensAdmin.Get(c["token"], c.Part<RegistrationTokens>(), c.Part<UserInteractiveAuthentication>()));
        admin.Put(
            V1 + "/registration_tokens/{token}",
            c => RegistrationTokensAdmin.Set(
                c["token"], c.Request, c.Part<RegistrationTokens>(), c.Engine, c.Part<UserInteractiveAuthentication>()));
        admin.Delete(V1 + "/registration_tokens/{token}", c => RegistrationTokensAdmin.Delete(c["token"], c.Part<RegistrationTokens>()));
        admin.Get(V1 + "/event_reports", c => ReportsAdmin.List(c.Request, c.Database));
        admin.Get(V1 + "/event_reports/{reportId}", c => ReportsAdmin.Get(c["reportId"], c.Database));
        admin.Delete(V1 + "/event_reports/{reportId}", c => ReportsAdmin.Delete(c["reportId"], c.Database));
        admin.Post(
            V1 + "/media/quarantine/{serverName}/{mediaId}",
            c => MediaAdmin.Quarantine(
                c["serverName"], c["mediaId"], c.Requester, c.Part<MediaRepository>(), c.Part<RemoteMediaStore>(), c.Server));
        admin.Post(
            V1 + "/media/unquarantine/{serverName}/{mediaId}",
            c => MediaAdmin.Unquarantine(c["serverName"], c["mediaId"], c.Part<MediaRepository>(), c.Part<RemoteMediaStore>(), c.Server));
        admin.Delete(
            V1 + "/media/{serverName}/{mediaId}",
            c => MediaAdmin.Delete(c["serverName"], c["mediaId"], c.Part<MediaRepository>(), c.Server));
        admin.Get(V1 + "/media/{serverName}/{mediaId}", c => MediaAdmin.Get(c["serverName"], c["mediaId"], c.Database, c.Server));
        admin.Post(V1 + "/media/protect/{mediaId}", c => MediaAdmin.Protect(c["mediaId"], c.Part<MediaRepository>(), isProtected: true));
        admin.Post(V1 + "/media/unprotect/{mediaId}", c => MediaAdmin.Protect(c["mediaId"], c.Part<MediaRepository>(), isProtected: false));
        admin.Post(V1 + "/media/delete", c => MediaAdmin.DeleteIdle(c.Request, c.Part<MediaRepository>(), c.Database, c.Server));
        admin.Post(V1 + "/purge_media_cache", c => MediaAdmin.PurgeRemote(c.Request, c.Part<RemoteMediaStore>()));
        admin.Get(V1 + "/room/{roomId}/media", c => RoomMedia.List(c["roomId"], c.Engine));
        admin.Post(
            V1 + "/room/{roomId}/media/quarantine",
            c => RoomMedia.Quarantine(c["roomId"], c.Requester, c.Engine, c.Part<MediaRepository>(), c.Part<RemoteMediaStore>()));
        admin.Post(
            V1 + "/user/{userId}/media/quarantine",
            c => UserMediaAdmin.Quarantine(
                c["userId"], c.Requester, c.Database, c.Server, c.Part<MediaRepository>(), c.Part<RemoteMediaStore>()));
        admin.Get(V1 + "/users/{userId}/media", c => UserMediaAdmin.List(c["userId"], c.Request, c.Database, c.Server));
        admin.Delete(
            V1 + "/users/{userId}/media",
            c => UserMediaAdmin.Delete(c["userId"], c.Request, c.Database, c.Server, c.Part<MediaRepository>()));
        admin.Get(V1 + "/statistics/users/media", c => UserMediaAdmin.Statistics(c.Request, c.Database));

        // Other servers
        admin.Get(V1 + "/federation/destinations", c => FederationAdmin.List(c.Request, c.Database, c.Part<Destinations>()));
        admin.Get(Destination, c => FederationAdmin.Get(c["destination"], c.Database, c.Part<Destinations>()));
        admin.Get(Destination + "/rooms", c => FederationAdmin.Rooms(c["destination"], c.Request, c.Database));
        admin.Post(
            Destination + "/reset_connection",
            c => FederationAdmin.Reset(c["destination"], c.Database, c.Part<Destinations>(), c.Part<Outbox>()));
    }

    private static Requester ReadingAll(Requester requester) => requester with { ReadsEverything = true };
}
