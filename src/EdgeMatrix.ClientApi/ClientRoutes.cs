using EdgeMatrix.ClientApi.Admin;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.ClientApi.ClientConfig;
using EdgeMatrix.ClientApi.Devices;
using EdgeMatrix.ClientApi.Discovery;
using EdgeMatrix.ClientApi.Encryption;
using EdgeMatrix.ClientApi.Filters;
using EdgeMatrix.ClientApi.Limits;
using EdgeMatrix.ClientApi.Media;
using EdgeMatrix.ClientApi.Presence;
using EdgeMatrix.ClientApi.Profiles;
using EdgeMatrix.ClientApi.PushRules;
using EdgeMatrix.ClientApi.Reports;
using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.ClientApi.Search;
using EdgeMatrix.ClientApi.Sync;
using EdgeMatrix.ClientApi.ThirdPartyIdentifiers;
using EdgeMatrix.ClientApi.ThirdPartyNetworks;
using EdgeMatrix.ClientApi.UserDirectory;
using EdgeMatrix.ClientApi.Voip;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi;

/// <summary>Every client-server endpoint, one line each, in the order of the specification.</summary>
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
        api.MapGet("/_matrix/client/versions", ServerDiscovery.GetVersions).WithoutToken();
        api.MapGet("/.well-known/matrix/client", ServerDiscovery.GetClient).WithoutToken();

        // Client authentication: login, logout, registration, account management
        api.MapGet(V3 + "/login", Sessions.GetFlows).WithoutToken();
        api.MapPost(V3 + "/login", Sessions.LogIn).WithoutToken().WithRate(RateKind.Login);
        api.MapPost(V1 + "/login/get_token", LoginTokenEndpoint.Get).WithRate(RateKind.Login);
        api.MapPost(V3 + "/refresh", Sessions.Refresh).WithoutToken();
        api.MapPost(V3 + "/logout", Sessions.LogOut);
        api.MapPost(V3 + "/logout/all", Sessions.LogOutAll);
        api.MapPost(V3 + "/register", Registration.Register).WithoutToken().WithRate(RateKind.Registration);
        api.MapGet(V3 + "/register/available", Registration.IsAvailable).WithoutToken();
        api.MapGet(V1 + "/register/m.login.registration_token/validity", Registration.IsTokenValid).WithoutToken().WithRate(RateKind.Login);
        api.MapPost(V3 + "/account/password", Passwords.Change).WithTokenOrWithout().WithRate(RateKind.Login);
        api.MapPost(V3 + "/account/deactivate", Deactivation.Deactivate).WithTokenOrWithout().WithRate(RateKind.Login);
        foreach (var purpose in (ReadOnlySpan<string>)["/register", "/account/password", "/account/3pid"])
        {
            api.MapPost(V3 + purpose + "/email/requestToken", ThreePids.RequestToken).WithoutToken();
            api.MapPost(V3 + purpose + "/msisdn/requestToken", ThreePids.RequestToken).WithoutToken();
        }

        api.MapGet(V3 + "/account/3pid", ThreePids.List);
        api.MapPost(V3 + "/account/3pid", ThreePids.Add);
        api.MapPost(V3 + "/account/3pid/add", ThreePids.Add);
        api.MapGet(V3 + "/account/whoami", Sessions.WhoAmI);

        // OpenID, with the one endpoint of the Server-Server API that its tokens are for
        api.MapPost(User + "/openid/request_token", OpenId.RequestToken);
        api.MapGet("/_matrix/federation/v1/openid/userinfo", OpenId.UserInfo).WithoutToken();

        // Capabilities negotiation
        api.MapGet(V3 + "/capabilities", Capabilities.Get);

        // Filtering
        api.MapPost(User + "/filter", FilterUpload.Add);
        api.MapGet(User + "/filter/{filterId}", FilterUpload.Get);

        // Syncing, rooms
        api.MapSync();
        api.MapRooms();

        // User data: profiles
        foreach (var profile in (ReadOnlySpan<string>)[V3 + "/profile", "/_matrix/client/unstable/uk.tcpip.msc4133/profile"])
        {
            api.MapGet(profile + "/{userId}", ProfileFields.GetAll).WithoutToken();
            api.MapGet(profile + "/{userId}/{keyName}", ProfileFields.Get).WithoutToken();
            api.MapPut(profile + "/{userId}/{keyName}", ProfileFields.Set);
            api.MapDelete(profile + "/{userId}/{keyName}", ProfileFields.Delete);
        }

        // Modules: voice over IP, presence, third-party networks, device management, end-to-end encryption, push notifications, client config, room tagging
        api.MapGet(V3 + "/voip/turnServer", TurnServer.Get);
        api.MapGet(V3 + "/presence/{userId}/status", PresenceEndpoints.Get);
        api.MapPut(V3 + "/presence/{userId}/status", PresenceEndpoints.Set);
        api.MapGet(V3 + "/thirdparty/protocols", ThirdPartyLookup.Protocols);
        api.MapGet(V3 + "/thirdparty/protocol/{protocol}", ThirdPartyLookup.OfProtocol);
        api.MapGet(V3 + "/thirdparty/location/{protocol}", ThirdPartyLookup.OfProtocol);
        api.MapGet(V3 + "/thirdparty/user/{protocol}", ThirdPartyLookup.OfProtocol);
        api.MapGet(V3 + "/thirdparty/location", ThirdPartyLookup.None);
        api.MapGet(V3 + "/thirdparty/user", ThirdPartyLookup.None);
        api.MapGet(V3 + "/devices", DeviceManagement.List);
        api.MapGet(V3 + "/devices/{deviceId}", DeviceManagement.Get);
        api.MapPut(V3 + "/devices/{deviceId}", DeviceManagement.Rename);
        api.MapDelete(V3 + "/devices/{deviceId}", DeviceManagement.Delete).WithRate(RateKind.Login);
        api.MapPost(V3 + "/delete_devices", DeviceManagement.DeleteMany).WithRate(RateKind.Login);
        api.MapEncryption();
        api.MapGet(V3 + "/pushers", Pushers.List);
        api.MapPost(V3 + "/pushers/set", Pushers.Set);
        api.MapGet(V3 + "/notifications", NotificationList.Get);
        api.MapGet(V3 + "/pushrules", PushRuleEndpoints.GetAll);
        api.MapGet(V3 + "/pushrules/global", PushRuleEndpoints.GetGlobal);
        api.MapGet(Rule, PushRuleEndpoints.Get);
        api.MapPut(Rule, PushRuleEndpoints.Set);
        api.MapDelete(Rule, PushRuleEndpoints.Delete);
        api.MapGet(Rule + "/enabled", PushRuleEndpoints.GetEnabled);
        api.MapPut(Rule + "/enabled", PushRuleEndpoints.SetEnabled);
        api.MapGet(Rule + "/actions", PushRuleEndpoints.GetActions);
        api.MapPut(Rule + "/actions", PushRuleEndpoints.SetActions);
        api.MapGet(User + "/account_data/{type}", AccountDataEntries.GetGlobal);
        api.MapPut(User + "/account_data/{type}", AccountDataEntries.SetGlobal);
        api.MapGet(UserRoom + "/account_data/{type}", AccountDataEntries.GetOfRoom);
        api.MapPut(UserRoom + "/account_data/{type}", AccountDataEntries.SetOfRoom);
        api.MapGet(UserRoom + "/tags", Tags.List);
        api.MapPut(UserRoom + "/tags/{tag}", Tags.Set);
        api.MapDelete(UserRoom + "/tags/{tag}", Tags.Remove);

        // Modules: reporting content, server administration
        api.MapPost(V3 + "/rooms/{roomId}/report", Reporting.Room);
        api.MapPost(V3 + "/rooms/{roomId}/report/{eventId}", Reporting.Event);
        api.MapPost(V3 + "/users/{userId}/report", Reporting.User);
        api.MapGet(V3 + "/admin/whois/{userId}", Whois.Get);
        api.MapGet(V1 + "/admin/suspend/{userId}", AccountModeration.GetSuspended);
        api.MapPut(V1 + "/admin/suspend/{userId}", AccountModeration.SetSuspended);
        api.MapGet(V1 + "/admin/lock/{userId}", AccountModeration.GetLocked);
        api.MapPut(V1 + "/admin/lock/{userId}", AccountModeration.SetLocked);

        // Modules: content repository, server side search
        api.MapMedia();
        api.MapPost(V3 + "/search", SearchEndpoint.Search);

        // Modules: user directory, mutual rooms
        api.MapPost(V3 + "/user_directory/search", UserSearch.Search);
        api.MapGet(V1 + "/mutual_rooms", MutualRooms.Get);

        // Synapse's administration interface
        api.MapGet("/_synapse/admin/v1/register", SharedSecret.GetNonce).WithoutToken();
        api.MapPost("/_synapse/admin/v1/register", SharedSecret.Register).WithoutToken();
        api.MapAdmin();
    }
}
