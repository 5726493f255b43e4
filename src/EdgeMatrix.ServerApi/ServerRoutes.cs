using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Accounts.Profiles;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Api.Pipeline;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Delivery.Identity;
using EdgeMatrix.Federation;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Media;
using EdgeMatrix.Media.Thumbnails;
using EdgeMatrix.Protocol;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.ServerApi.Authentication;
using EdgeMatrix.ServerApi.Discovery;
using EdgeMatrix.ServerApi.Keys;
using EdgeMatrix.ServerApi.Media;
using EdgeMatrix.ServerApi.Queries;
using EdgeMatrix.ServerApi.Rooms;
using EdgeMatrix.ServerApi.Transactions;
using EdgeMatrix.ServerApi.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

using EdgeMatrix.Rooms.Policy;

namespace EdgeMatrix.ServerApi;

/// <summary>Every server-server endpoint, in the order of the specification.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/</remarks>
public static class ServerRoutes
{
    private const string Keys = "/_matrix/key/v2";
    private const string V1 = "/_matrix/federation/v1";
    private const string V2 = "/_matrix/federation/v2";
    private const string Unstable = "/_matrix/federation/unstable";

    // An event, and some of the state of its room.
    private const int MaxInviteBytes = 1 << 20;

    public static void MapServerApi(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("").WithSignature();

        // Server discovery
        routes.Get("/.well-known/matrix/server", c => ServerVersion.GetWellKnown(c.Part<FederationSettings>()));
        api.Get(V1 + "/version", c => ServerVersion.Get()).WithoutSignature();

        // Retrieving server keys
        api.Get(Keys + "/server", c => ServerKeyEndpoints.GetOwn(c.Part<OwnKeys>())).WithoutSignature();
        api.Get(Keys + "/server/{keyId}", c => ServerKeyEndpoints.GetOwn(c.Part<OwnKeys>())).WithoutSignature();
        api.Get(Keys + "/query/{serverName}", c => ServerKeyEndpoints.Query(c["serverName"], c.Request, c.Part<Notary>())).WithoutSignature();
        api.Get(Keys + "/query/{serverName}/{keyId}", c => ServerKeyEndpoints.Query(c["serverName"], c.Request, c.Part<Notary>(), c["keyId"]))
            .WithoutSignature();
        api.Post(Keys + "/query", c => ServerKeyEndpoints.QueryMany(c.Request, c.Part<Notary>())).WithoutSignature();

        // Transactions
        api.Put(
                V1 + "/send/{txnId}",
                c => TransactionEndpoint.Receive(
                    c["txnId"], c.Origin, c.Content, c.Part<IncomingTransactions>(), c.Part<ExtremityExchange>(), c.Context.RequestAborted))
            .WithBodyOf(RequestBodyMemory.MaxOfServers);

        // Backfilling and retrieving missing events
        api.Get(V1 + "/backfill/{roomId}", c => RoomEvents.Backfill(c["roomId"], c.Origin, c.Request, c.Engine, c.Spool));
        api.Post(V1 + "/get_missing_events/{roomId}", c => RoomEvents.GetMissing(c["roomId"], c.Origin, c.Content, c.Engine, c.Spool));

        // Where a room ends: MSC4370
        api.Get(Unstable + "/org.matrix.msc4370/extremities/{roomId}", c => RoomEvents.Extremities(c["roomId"], c.Origin, c.Engine));

        // Retrieving events
        api.Get(V1 + "/event/{eventId}", c => RoomEvents.Get(c["eventId"], c.Origin, c.Engine));
        api.Get(V1 + "/state/{roomId}", c => StateAtEvent.Get(c["roomId"], c.Origin, c.Request, c.Engine, c.Spool));
        api.Get(V1 + "/state_ids/{roomId}", c => StateAtEvent.GetIds(c["roomId"], c.Origin, c.Request, c.Engine, c.Spool));
        api.Get(V1 + "/event_auth/{roomId}/{eventId}", c => StateAtEvent.GetAuthChain(c["roomId"], c["eventId"], c.Origin, c.Engine, c.Spool));

        // Policy servers
        api.Post(
            "/_matrix/policy/v1/sign",
            c => PolicySign.Sign(c.Content, c.Origin, c.Engine, c.Part<KeyRing>(), c.Part<OwnPolicyServer>(), c.Request.HttpContext.RequestAborted));

        // Retrieving event id by timestamp
        api.Get(V1 + "/timestamp_to_event/{roomId}", c => TimestampToEvent.Get(c["roomId"], c.Origin, c.Request, c.Engine));

        // Joining rooms
        api.Get(
            V1 + "/make_join/{roomId}/{userId}",
            c => Joins.Make(c["roomId"], c["userId"], c.Origin, c.Request, c.Engine, c.Part<RestrictedJoins>()));
        api.Put(
            V2 + "/send_join/{roomId}/{eventId}",
            c => Joins.Send(
                c["roomId"], c["eventId"], c.Origin, c.Content, c.Request, c.Engine, c.Part<RestrictedJoins>(), c.Part<KeyRing>(), c.Spool));
        api.Put(
            V1 + "/send_join/{roomId}/{eventId}",
            c => Joins.SendOld(
                c["roomId"], c["eventId"], c.Origin, c.Content, c.Request, c.Engine, c.Part<RestrictedJoins>(), c.Part<KeyRing>(), c.Spool));

        // Knocking upon a room
        api.Get(V1 + "/make_knock/{roomId}/{userId}", c => Knocks.Make(c["roomId"], c["userId"], c.Origin, c.Request, c.Engine));
        api.Put(
            V1 + "/send_knock/{roomId}/{eventId}",
            c => Knocks.Send(c["roomId"], c["eventId"], c.Origin, c.Content, c.Request, c.Engine, c.Part<KeyRing>()));

        // Inviting to a room
        api.Put(
            V1 + "/invite/{roomId}/{eventId}",
            c => InvitesOf(c).TakeOldAsync(c["roomId"], c["eventId"], c.Origin, c.Content, c.Context.RequestAborted)).WithBodyOf(MaxInviteBytes);
        api.Put(
            V2 + "/invite/{roomId}/{eventId}",
            c => InvitesOf(c).TakeAsync(c["roomId"], c["eventId"], c.Origin, c.Content, c.Context.RequestAborted)).WithBodyOf(MaxInviteBytes);

        // Leaving rooms (rejecting invites)
        api.Get(V1 + "/make_leave/{roomId}/{userId}", c => Leaves.Make(c["roomId"], c["userId"], c.Origin, c.Request, c.Engine));
        api.Put(
            V2 + "/send_leave/{roomId}/{eventId}",
            c => Leaves.Send(c["roomId"], c["eventId"], c.Origin, c.Content, c.Request, c.Engine, c.Part<KeyRing>()));
        api.Put(
            V1 + "/send_leave/{roomId}/{eventId}",
            c => Leaves.SendOld(c["roomId"], c["eventId"], c.Origin, c.Content, c.Request, c.Engine, c.Part<KeyRing>()));

        // Third-party invites
        api.Put(
            V1 + "/exchange_third_party_invite/{roomId}",
            c => ThirdPartyInviteEndpoints.Exchange(c["roomId"], c.Origin, c.Content, c.Engine, c.Part<ThirdPartyInvites>(), c.Context.RequestAborted));
        api.Put(V1 + "/3pid/onbind", OnBind).WithoutSignature();
        api.Post(V1 + "/3pid/onbind", OnBind).WithoutSignature();

        // Published room directory
        api.Get(V1 + "/publicRooms", c => PublicRooms.List(c.Request, c.Engine, c.Spool));
        api.Post(V1 + "/publicRooms", c => PublicRooms.Search(c.Content, c.Engine, c.Spool));

        // Spaces
        api.Get(V1 + "/hierarchy/{roomId}", c => Hierarchy.Get(c["roomId"], c.Origin, c.Request, c.Engine, c.Spool));

        // Querying for information
        api.Get(V1 + "/query/directory", c => DirectoryQuery.Get(c.Request, c.Engine, c.Part<AppServiceQueries>()));
        api.Get(V1 + "/query/profile", c => ProfileQuery.Get(c.Request, c.Server, c.Part<UserProfiles>()));
        api.Get(V1 + "/query/{queryType}", c => MatrixError.NotFound("No query of that type is known here"));

        // OpenID
        api.Get(V1 + "/openid/userinfo", c => OpenIdUser.Get(c.Request, c.Part<OpenIdTokens>())).ForAnybody();

        // Device management
        api.Get(V1 + "/user/devices/{userId}", c => UserDevicesEndpoint.Get(c["userId"], c.Server, c.Part<KeyQueries>(), c.Spool));

        // End-to-end encryption
        api.Post(V1 + "/user/keys/claim", c => UserKeysEndpoints.Claim(c.Content, c.Part<KeyClaims>()));
        api.Post(V1 + "/user/keys/query", c => UserKeysEndpoints.Query(c.Content, c.Part<KeyQueries>(), c.Spool));

        // Content repository
        api.Get(
            V1 + "/media/download/{mediaId}",
            c => MediaEndpoints.Download(c["mediaId"], c.Request, c.Part<MediaRepository>(), c.Server, c.Part<RandomSource>()));
        api.Get(
            V1 + "/media/thumbnail/{mediaId}",
            c => MediaEndpoints.Thumbnail(
                c["mediaId"], c.Request, c.Part<MediaRepository>(), c.Part<ThumbnailStore>(), c.Server, c.Part<RandomSource>()));
    }

    private static Task<IResult> OnBind(ApiCall c) =>
        ThirdPartyInviteEndpoints.OnBind(c.Request, c.Engine, c.Part<ThirdPartyInvites>(), c.Part<RemoteInvites>());

    private static Invites InvitesOf(ApiCall c) => new(c.Engine, c.Part<KeyRing>(), c.Part<AppServiceQueries>());
}
