using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Accounts.Deactivation;
using EdgeMatrix.Accounts.Devices;
using EdgeMatrix.Accounts.Filters;
using EdgeMatrix.Accounts.Notices;
using EdgeMatrix.Accounts.Profiles;
using EdgeMatrix.Accounts.PushRules;
using EdgeMatrix.Accounts.Registration;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.ClientApi.Admin;
using EdgeMatrix.ClientApi.AppServices;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.ClientApi.Authentication.Pages;
using EdgeMatrix.ClientApi.ClientConfig;
using EdgeMatrix.ClientApi.Devices;
using EdgeMatrix.ClientApi.Discovery;
using EdgeMatrix.ClientApi.Encryption;
using EdgeMatrix.ClientApi.Filters;
using EdgeMatrix.ClientApi.Media;
using EdgeMatrix.ClientApi.Presence;
using EdgeMatrix.ClientApi.Previews;
using EdgeMatrix.ClientApi.Profiles;
using EdgeMatrix.ClientApi.PushRules;
using EdgeMatrix.ClientApi.Reports;
using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.ClientApi.Search;
using EdgeMatrix.ClientApi.Sync;
using EdgeMatrix.ClientApi.ThirdParties;
using EdgeMatrix.ClientApi.ThirdPartyIdentifiers;
using EdgeMatrix.ClientApi.UserDirectory;
using EdgeMatrix.ClientApi.Voip;
using EdgeMatrix.Delivery.Identity;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Delivery.Push;
using EdgeMatrix.Federation.Users;
using EdgeMatrix.Outbound;
using EdgeMatrix.Rooms.Policy;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Rooms.Search;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;

namespace EdgeMatrix.ClientApi;

/// <summary>Every client-server endpoint, in the order of the specification.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/</remarks>
public static class ClientRoutes
{
    private const string V3 = "/_matrix/client/v3";
    private const string V1 = "/_matrix/client/v1";
    private const string Rule = V3 + "/pushrules/global/{kind}/{ruleId}";
    private const string User = V3 + "/user/{userId}";
    private const string UserRoom = User + "/rooms/{roomId}";

    public static void MapClientApi(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("").WithToken();
        api.WithAccountLimits();

        // API standards, server discovery
        api.Get("/_matrix/client/versions", c => ServerDiscovery.GetVersions()).WithoutToken();
        api.Get("/.well-known/matrix/client", c => ServerDiscovery.GetClient(c.Part<ClientApiOptions>())).WithoutToken();
        api.Get("/.well-known/matrix/policy_server", c => ServerDiscovery.GetPolicyServer(c.Part<OwnPolicyServer>())).WithoutToken();
        api.Get("/.well-known/matrix/support", c => ServerDiscovery.GetSupport(c.Part<ClientApiOptions>())).WithoutToken();

        // Client authentication: login, logout, registration, account management
        api.Get(V3 + "/login", c => Sessions.GetFlows(c.Part<ClientApiOptions>(), c.Part<KnownAppServices>())).WithoutToken();
        api.Post(
            V3 + "/login",
            c => Sessions.LogIn(
                c.Request, c.Part<UserAccounts>(), c.Part<LoginTokens>(), c.Part<Logins>(), c.Server, c.Part<ClientApiOptions>(),
                c.Part<RateLimiter>())).WithAppServiceToken().WithRate(RateKind.Login);
        api.Post(
            V1 + "/login/get_token",
            c => LoginTokenEndpoint.Get(
                c.Request, c.Requester, c.Part<UserInteractiveAuthentication>(), c.Part<LoginTokens>(),
                c.Part<ClientApiOptions>())).WithRate(RateKind.Login);
        api.Get("/_matrix/static/client/login", c => LoginPage.Get()).WithoutToken();
        api.Get(
            V3 + "/auth/{authType}/fallback/web",
            c => StagePage.Get(c["authType"], c.Request, c.Part<UserInteractiveAuthentication>(), c.Part<ClientApiOptions>())).WithoutToken();
        api.Post(
            V3 + "/auth/{authType}/fallback/web",
            c => StagePage.Post(
                c["authType"], c.Request, c.Part<UserInteractiveAuthentication>(), c.Part<RegistrationTokens>(),
                c.Part<ClientApiOptions>())).WithoutToken().WithRate(RateKind.Login);
        api.Post(V3 + "/refresh", c => Sessions.Refresh(c.Request, c.Part<Logins>())).WithoutToken();
        api.Post(V3 + "/logout", c => Sessions.LogOut(c.Requester, c.Part<Logins>()));
        api.Post(V3 + "/logout/all", c => Sessions.LogOutAll(c.Requester, c.Part<Logins>()));
        api.Post(
            V3 + "/register",
            c => Registration.Register(
                c.Request, c.Part<UserInteractiveAuthentication>(), c.Part<UserAccounts>(), c.Part<Logins>(), c.Server,
                c.Part<RegistrationTokens>(), c.Part<AccessTokens>(), c.Part<ServerNotices>(), c.Part<KnownAppServices>(),
                c.Part<ClientApiOptions>())).WithAppServiceToken().WithRate(RateKind.Registration);
        api.Get(
            V3 + "/register/available",
            c => Registration.IsAvailable(
                c.Request, c.Part<UserAccounts>(), c.Part<ServerNotices>(), c.Part<KnownAppServices>(),
                c.Part<ClientApiOptions>())).WithoutToken();
        api.Get(
            V1 + "/register/m.login.registration_token/validity",
            c => Registration.IsTokenValid(
                c.Request, c.Part<RegistrationTokens>(), c.Part<ClientApiOptions>())).WithoutToken().WithRate(RateKind.Login);
        api.Post(
            V3 + "/account/password",
            c => Passwords.Change(
                c.Request, c.RequesterIfAny, c.Part<UserInteractiveAuthentication>(),
                c.Part<UserAccounts>())).WithTokenOrWithout().WithRate(RateKind.Login);
        api.Post(
            V3 + "/account/deactivate",
            c => Deactivation.Deactivate(
                c.Request, c.RequesterIfAny, c.Part<UserInteractiveAuthentication>(),
                c.Part<AccountDeactivation>(), c.Part<BoundThreePids>())).WithTokenOrWithout().WithRate(RateKind.Login);
        api.MapThreePids();
        api.Get(V3 + "/account/whoami", c => Sessions.WhoAmI(c.Requester));

        // OpenID
        api.Post(
            User + "/openid/request_token",
            c => OpenId.RequestToken(c["userId"], c.Request, c.Requester, c.Part<OpenIdTokens>(), c.Server));

        // Capabilities negotiation
        api.Get(V3 + "/capabilities", c => Capabilities.Get(c.Requester, c.Part<ClientApiOptions>(), c.Part<EmailValidation>()));

        // Filtering
        api.Post(User + "/filter", c => FilterUpload.Add(c["userId"], c.Request, c.Requester, c.Part<UserFilters>()));
        api.Get(User + "/filter/{filterId}", c => FilterUpload.Get(c["userId"], c["filterId"], c.Requester, c.Part<UserFilters>()));

        // Syncing, rooms
        api.MapSync();
        api.MapRooms();

        // Room previews, and what clients began with before there was /sync
        api.Get(V3 + "/rooms/{roomId}/initialSync", c => InitialSync.OfRoom(c["roomId"], c.Request, c.Requester, c.Engine, c.Part<UserPresence>(), c.Spool));
        api.Get(V3 + "/initialSync", c => InitialSync.OfUser(c.Request, c.Requester, c.Engine, c.Part<UserPresence>(), c.Spool));
        api.Get(
            V3 + "/events",
            c => EventStream.Get(
                c.Request, c.Requester, c.Engine, c.Part<SyncEngine>(), c.Part<UserPresence>(), c.Spool, c.Part<IHostApplicationLifetime>()));
        api.Get(V3 + "/events/{eventId}", c => EventStream.GetOne(c["eventId"], c.Requester, c.Engine));

        // User data: profiles
        foreach (var profile in (ReadOnlySpan<string>)[V3 + "/profile", "/_matrix/client/unstable/uk.tcpip.msc4133/profile"])
        {
            api.Get(
                profile + "/{userId}",
                c => ProfileFields.GetAll(
                    c["userId"], c.Request, c.Part<UserProfiles>(), c.Engine, c.Part<AppServiceQueries>(),
                    c.Part<RemoteProfiles>())).WithoutToken();
            api.Get(
                profile + "/{userId}/{keyName}",
                c => ProfileFields.Get(
                    c["userId"], c["keyName"], c.Request, c.Part<UserProfiles>(), c.Engine, c.Part<AppServiceQueries>(),
                    c.Part<RemoteProfiles>())).WithoutToken();
            api.Put(
                profile + "/{userId}/{keyName}",
                c => ProfileFields.Set(c["userId"], c["keyName"], c.Request, c.Requester, c.Part<UserProfiles>()));
            api.Delete(
                profile + "/{userId}/{keyName}",
                c => ProfileFields.Delete(c["userId"], c["keyName"], c.Request, c.Requester, c.Part<UserProfiles>()));
        }

        // Modules: voice over IP, presence, third-party networks, device management, end-to-end encryption, push notifications, client config, room tagging
        api.Get(V3 + "/voip/turnServer", c => TurnServer.Get(c.Requester, c.Part<TurnOptions>(), c.Engine));
        api.Get(V3 + "/presence/{userId}/status", c => PresenceEndpoints.Get(c["userId"], c.Requester, c.Part<UserPresence>(), c.Engine));
        api.Put(V3 + "/presence/{userId}/status", c => PresenceEndpoints.Set(c["userId"], c.Request, c.Requester, c.Part<UserPresence>()));
        api.Get(V3 + "/thirdparty/protocols", c => ThirdPartyLookup.Protocols(c.Request, c.Part<ThirdPartyNetworks>()));
        api.Get(V3 + "/thirdparty/protocol/{protocol}", c => ThirdPartyLookup.Protocol(c["protocol"], c.Request, c.Part<ThirdPartyNetworks>()));
        api.Get(V3 + "/thirdparty/location/{protocol}", c => ThirdPartyLookup.Locations(c["protocol"], c.Request, c.Part<ThirdPartyNetworks>()));
        api.Get(V3 + "/thirdparty/user/{protocol}", c => ThirdPartyLookup.Users(c["protocol"], c.Request, c.Part<ThirdPartyNetworks>()));
        api.Get(V3 + "/thirdparty/location", c => ThirdPartyLookup.LocationsOfAlias(c.Request, c.Part<ThirdPartyNetworks>()));
        api.Get(V3 + "/thirdparty/user", c => ThirdPartyLookup.UsersOfUserId(c.Request, c.Part<ThirdPartyNetworks>()));
        api.Get(V3 + "/devices", c => DeviceManagement.List(c.Requester, c.Part<UserDevices>()));
        api.Get(V3 + "/devices/{deviceId}", c => DeviceManagement.Get(c["deviceId"], c.Requester, c.Part<UserDevices>()));
        api.Put(V3 + "/devices/{deviceId}", c => DeviceManagement.Set(c["deviceId"], c.Request, c.Requester, c.Part<UserDevices>()));
        api.Delete(
            V3 + "/devices/{deviceId}",
            c => DeviceManagement.Delete(
                c["deviceId"], c.Request, c.Requester, c.Part<UserInteractiveAuthentication>(), c.Part<Logins>())).WithRate(RateKind.Login);
        api.Post(
            V3 + "/delete_devices",
            c => DeviceManagement.DeleteMany(
                c.Request, c.Requester, c.Part<UserInteractiveAuthentication>(), c.Part<Logins>())).WithRate(RateKind.Login);
        api.MapEncryption();
        api.Get(V3 + "/pushers", c => Pushers.List(c.Requester, c.Part<UserPushers>()));
        api.Post(
            V3 + "/pushers/set",
            c => Pushers.Set(
                c.Request, c.Requester, c.Part<UserPushers>(), c.Part<OutboundNetwork>(), c.Part<EmailPushing>(), c.Part<UserThreePids>()));
        api.Get(EmailPushing.UnsubscribePath, c => UnsubscribePage.Get(c.Request, c.Part<EmailPushing>())).WithoutToken();
        api.Post(
            EmailPushing.UnsubscribePath, c => UnsubscribePage.Post(c.Request, c.Part<EmailPushing>())).WithoutToken().WithRate(RateKind.Login);
        api.Get(
            V3 + "/notifications",
            c => NotificationList.Get(c.Token("from"), c.Query("only"), c.Request, c.Requester, c.Engine, c.Part<UserPushRules>()));
        api.Get(V3 + "/pushrules", c => PushRuleEndpoints.GetAll(c.Requester, c.Part<UserPushRules>()));
        api.Get(V3 + "/pushrules/global", c => PushRuleEndpoints.GetGlobal(c.Requester, c.Part<UserPushRules>()));
        api.Get(V3 + "/pushrules/global/{kind}", c => PushRuleEndpoints.GetKind(c["kind"], c.Requester, c.Part<UserPushRules>()));
        api.Get(Rule, c => PushRuleEndpoints.Get(c["kind"], c["ruleId"], c.Requester, c.Part<UserPushRules>()));
        api.Put(Rule, c => PushRuleEndpoints.Set(c["kind"], c["ruleId"], c.Request, c.Requester, c.Part<UserPushRules>()));
        api.Delete(Rule, c => PushRuleEndpoints.Delete(c["kind"], c["ruleId"], c.Requester, c.Part<UserPushRules>()));
        api.Get(Rule + "/enabled", c => PushRuleEndpoints.GetEnabled(c["kind"], c["ruleId"], c.Requester, c.Part<UserPushRules>()));
        api.Put(
            Rule + "/enabled",
            c => PushRuleEndpoints.SetEnabled(c["kind"], c["ruleId"], c.Request, c.Requester, c.Part<UserPushRules>()));
        api.Get(Rule + "/actions", c => PushRuleEndpoints.GetActions(c["kind"], c["ruleId"], c.Requester, c.Part<UserPushRules>()));
        api.Put(
            Rule + "/actions",
            c => PushRuleEndpoints.SetActions(c["kind"], c["ruleId"], c.Request, c.Requester, c.Part<UserPushRules>()));
        api.Get(V3 + "/pushrules/{**path}", c => PushRuleEndpoints.NoSuchPath());
        api.Put(V3 + "/pushrules/{**path}", c => PushRuleEndpoints.NoSuchPath());
        api.Get(
            User + "/account_data/{type}",
            c => AccountDataEntries.GetGlobal(c["userId"], c["type"], c.Requester, c.Part<AccountData>()));
        api.Put(
            User + "/account_data/{type}",
            c => AccountDataEntries.SetGlobal(c["userId"], c["type"], c.Request, c.Requester, c.Part<AccountData>()));
        api.Get(
            UserRoom + "/account_data/{type}",
            c => AccountDataEntries.GetOfRoom(c["userId"], c["roomId"], c["type"], c.Requester, c.Part<AccountData>(), c.Engine));
        api.Put(
            UserRoom + "/account_data/{type}",
            c => AccountDataEntries.SetOfRoom(
                c["userId"], c["roomId"], c["type"], c.Request, c.Requester, c.Part<AccountData>(), c.Engine));
        api.Get(UserRoom + "/tags", c => Tags.List(c["userId"], c["roomId"], c.Requester, c.Part<RoomTags>(), c.Engine));
        api.Put(
            UserRoom + "/tags/{tag}",
            c => Tags.Set(c["userId"], c["roomId"], c["tag"], c.Request, c.Requester, c.Part<RoomTags>(), c.Engine));
        api.Delete(
            UserRoom + "/tags/{tag}",
            c => Tags.Remove(c["userId"], c["roomId"], c["tag"], c.Requester, c.Part<RoomTags>(), c.Engine));

        // Modules: reporting content, server administration
        api.Post(V3 + "/rooms/{roomId}/report", c => Reporting.Room(c["roomId"], c.Request, c.Requester, c.Engine));
        api.Post(
            V3 + "/rooms/{roomId}/report/{eventId}",
            c => Reporting.Event(c["roomId"], c["eventId"], c.Request, c.Requester, c.Engine));
        api.Post(V3 + "/users/{userId}/report", c => Reporting.User(c["userId"], c.Request, c.Requester, c.Engine, c.Part<UserAccounts>()));
        api.Get(V3 + "/admin/whois/{userId}", c => Whois.Get(c["userId"], c.Requester, c.Part<UserAccounts>(), c.Part<UserDevices>()));
        api.Get(
            V1 + "/admin/suspend/{userId}",
            c => AccountModeration.GetSuspended(c["userId"], c.Requester, c.Part<UserAccounts>(), c.Server));
        api.Put(
            V1 + "/admin/suspend/{userId}",
            c => AccountModeration.SetSuspended(c["userId"], c.Request, c.Requester, c.Part<UserAccounts>(), c.Server));
        api.Get(V1 + "/admin/lock/{userId}", c => AccountModeration.GetLocked(c["userId"], c.Requester, c.Part<UserAccounts>(), c.Server));
        api.Put(
            V1 + "/admin/lock/{userId}",
            c => AccountModeration.SetLocked(c["userId"], c.Request, c.Requester, c.Part<UserAccounts>(), c.Server));

        // Modules: content repository, server side search
        api.MapMedia();
        api.Post(V3 + "/search", c => SearchEndpoint.Search(c.Request, c.Requester, c.Engine, c.Part<SearchIndex>(), c.Spool));

        // Modules: user directory, mutual rooms
        api.Post(V3 + "/user_directory/search", c => UserSearch.Search(c.Request, c.Requester, c.Engine));
        api.Get(V1 + "/mutual_rooms", c => MutualRooms.Get(c.Request, c.Requester, c.Engine));
        api.Get(
            "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms", c => MutualRooms.GetUnstable(c.Request, c.Requester, c.Engine));

        // Application Service API: client-server API extensions
        api.Post(
            V1 + "/appservice/{appserviceId}/ping",
            c => AppServiceEndpoints.Ping(c["appserviceId"], c.Request, c.Requester, c.Part<AppServiceQueries>()));
        api.Put(
            V3 + "/directory/list/appservice/{networkId}/{roomId}",
            c => AppServiceEndpoints.SetVisibility(c["networkId"], c["roomId"], c.Request, c.Requester, c.Engine));
        api.Delete(
            V3 + "/directory/list/appservice/{networkId}/{roomId}",
            c => AppServiceEndpoints.Hide(c["networkId"], c["roomId"], c.Requester, c.Engine));

        // Synapse's administration interface
        api.Get("/_synapse/admin/v1/register", c => SharedSecret.GetNonce(c.Part<SharedSecretSetting>())).WithoutToken();
        api.Post(
            "/_synapse/admin/v1/register",
            c => SharedSecret.Register(
                c.Request, c.Part<SharedSecretSetting>(), c.Part<UserAccounts>(), c.Part<Logins>(), c.Server)).WithoutToken();
        api.MapAdmin();
    }
}
