using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Accounts.Notices;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Delivery.Identity;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Receipts;
using EdgeMatrix.Rooms.Typing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>The endpoints of rooms in the order of the specification.</summary>
public static class RoomRoutes
{
    private const string V3 = "/_matrix/client/v3";
    private const string V1 = "/_matrix/client/v1";
    private const string V1Room = V1 + "/rooms/{roomId}";
    private const string Room = V3 + "/rooms/{roomId}";

    public static void MapRooms(this IEndpointRouteBuilder routes)
    {
        // Getting events for a room
        routes.Get(Room + "/event/{eventId}", c => RoomEvents.Get(c["roomId"], c["eventId"], c.Requester, c.Engine));
        routes.Get(Room + "/joined_members", c => WholeAsync(c, () => RoomMemberLists.Joined(c["roomId"], c.Requester, c.Engine, c.Spool)));
        routes.Get(
            Room + "/members",
            c => WholeAsync(
                c, () => RoomMemberLists.All(c["roomId"], c.Query("at"), c.Query("membership"), c.Request, c.Requester, c.Engine, c.Spool)));
        routes.Get(Room + "/state", c => WholeAsync(c, () => RoomState.All(c["roomId"], c.Requester, c.Engine, c.Spool)));
        routes.Get(
            Room + "/state/{eventType}/{stateKey?}",
            c => RoomState.Get(c["roomId"], c["eventType"], c.SegmentIfAny("stateKey"), c.Query("format"), c.Requester, c.Engine));
        routes.Get(
            Room + "/messages",
            c => RoomMessages.PageAsync(
                c["roomId"], c.Token("from"), c.Token("to"), c.Query("dir"), c.Query("filter"), c.Request, c.Requester, c.Engine,
                c.Part<RoomBackfill>(), c.Spool));
        routes.Get(
            V1Room + "/timestamp_to_event",
            c => TimestampToEvent.FindAsync(c["roomId"], c.Request, c.Requester, c.Engine, c.Part<RemoteTimestamps>()));

        // Sending events to a room
        routes.Put(
            Room + "/state/{eventType}/{stateKey?}",
            c => RoomSending.SetState(
                c["roomId"], c["eventType"], c.SegmentIfAny("stateKey"), c.Request, c.Requester, c.Engine,
                c.Part<ServerNotices>(), c.Part<RoomMembers>())).WithRate(RateKind.Message);
        routes.Put(
            Room + "/send/{eventType}/{txnId}",
            c => RoomSending.Send(c["roomId"], c["eventType"], c["txnId"], c.Request, c.Requester, c.Engine)).WithRate(RateKind.Message);
        routes.Post(
            Room + "/send/{eventType}",
            c => RoomSending.Send(c["roomId"], c["eventType"], null, c.Request, c.Requester, c.Engine)).WithRate(RateKind.Message);
        routes.Put(
            Room + "/redact/{eventId}/{txnId}",
            c => RoomSending.Redact(c["roomId"], c["eventId"], c["txnId"], c.Request, c.Requester, c.Engine)).WithRate(RateKind.Message);
        routes.Post(
            Room + "/redact/{eventId}",
            c => RoomSending.Redact(c["roomId"], c["eventId"], null, c.Request, c.Requester, c.Engine)).WithRate(RateKind.Message);

        // Creation
        routes.Post(
            V3 + "/createRoom",
            c => RoomCreationEndpoint.Create(
                c.Request, c.Requester, c.Part<RoomCreation>(), c.Engine, c.Part<KnownAppServices>(),
                c.Part<AppServiceQueries>(), c.Part<ThirdPartyInvites>())).WithRate(RateKind.Join);

        // Room aliases
        routes.Get(
            V3 + "/directory/room/{roomAlias}",
            c => RoomAliases.Resolve(c["roomAlias"], c.Request, c.Engine, c.Part<AppServiceQueries>(), c.Part<RemoteRooms>())).WithoutToken();
        routes.Put(
            V3 + "/directory/room/{roomAlias}",
            c => RoomAliases.Create(c["roomAlias"], c.Request, c.Requester, c.Engine, c.Part<KnownAppServices>()));
        routes.Delete(
            V3 + "/directory/room/{roomAlias}", c => RoomAliases.Delete(c["roomAlias"], c.Requester, c.Engine, c.Part<KnownAppServices>()));
        routes.Get(Room + "/aliases", c => RoomAliases.OfRoom(c["roomId"], c.Requester, c.Engine));

        // Room membership
        routes.Get(V3 + "/joined_rooms", c => RoomMembership.JoinedRooms(c.Requester, c.Engine));
        routes.Post(
            Room + "/invite",
            c => RoomMembership.Invite(
                c["roomId"], c.Request, c.Requester, c.Engine, c.Part<RoomMembers>(), c.Part<AppServiceQueries>(),
                c.Part<ThirdPartyInvites>())).WithRate(RateKind.Invite);
        routes.Post(
            V3 + "/join/{roomIdOrAlias}",
            c => RoomMembership.JoinByIdOrAlias(
                c["roomIdOrAlias"], c.Request, c.Requester, Targets(c), c.Part<RemoteJoins>(), c.Part<ThirdPartyInvites>())).WithRate(RateKind.Join);
        routes.Post(
            Room + "/join",
            c => RoomMembership.Join(
                c["roomId"], c.Request, c.Requester, Targets(c), c.Part<RemoteJoins>(), c.Part<ThirdPartyInvites>())).WithRate(RateKind.Join);
        routes.Post(
            V3 + "/knock/{roomIdOrAlias}",
            c => RoomMembership.Knock(
                c["roomIdOrAlias"], c.Request, c.Requester, Targets(c), c.Part<RemoteKnocks>(), c.Part<ThirdPartyInvites>())).WithRate(RateKind.Join);
        routes.Post(Room + "/forget", c => RoomMembership.Forget(c["roomId"], c.Requester, c.Engine, c.Part<RoomMembers>()));
        routes.Post(
            Room + "/leave",
            c => RoomMembership.Leave(c["roomId"], c.Request, c.Requester, c.Engine, c.Part<RoomMembers>(), c.Part<ServerNotices>()));
        routes.Post(Room + "/kick", c => RoomMembership.Kick(c["roomId"], c.Request, c.Requester, c.Engine, c.Part<RoomMembers>()));
        routes.Post(Room + "/ban", c => RoomMembership.Ban(c["roomId"], c.Request, c.Requester, c.Engine, c.Part<RoomMembers>()));
        routes.Post(Room + "/unban", c => RoomMembership.Unban(c["roomId"], c.Request, c.Requester, c.Engine, c.Part<RoomMembers>()));

        // Published room directory
        routes.Get(V3 + "/directory/list/room/{roomId}", c => PublishedRooms.GetVisibility(c["roomId"], c.Engine)).WithoutToken();
        routes.Put(V3 + "/directory/list/room/{roomId}", c => PublishedRooms.SetVisibility(c["roomId"], c.Request, c.Requester, c.Engine));
        routes.Get(
            V3 + "/publicRooms",
            c => PublishedRooms.List(
                c.Token("since"), c.Query("server"), c.Request, c.Engine, c.Part<KnownAppServices>(), c.Part<RemoteRooms>(), c.Spool)).WithoutToken();
        routes.Post(
            V3 + "/publicRooms",
            c => PublishedRooms.Search(c.Query("server"), c.Request, c.Engine, c.Part<KnownAppServices>(), c.Part<RemoteRooms>(), c.Spool));

        // Forming relationships between events
        routes.Get(
            V1Room + "/relations/{eventId}",
            c => RoomRelations.Of(c["roomId"], c["eventId"], c.Request, c.Requester, c.Engine, c.Spool));
        routes.Get(
            V1Room + "/relations/{eventId}/{relType}",
            c => RoomRelations.OfType(c["roomId"], c["eventId"], c["relType"], c.Request, c.Requester, c.Engine, c.Spool));
        routes.Get(
            V1Room + "/relations/{eventId}/{relType}/{eventType}",
            c => RoomRelations.OfEventType(
                c["roomId"], c["eventId"], c["relType"], c["eventType"], c.Request, c.Requester, c.Engine, c.Spool));

        // Room previews: a room's summary, by its first names too (MSC3266)
        routes.Get(V1 + "/room_summary/{roomIdOrAlias}", c => RoomSummaries.Get(c["roomIdOrAlias"], c.Requester, c.Engine));
        routes.Get(
            "/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}",
            c => RoomSummaries.Get(c["roomIdOrAlias"], c.Requester, c.Engine));
        routes.Get(
            "/_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary",
            c => RoomSummaries.Get(c["roomIdOrAlias"], c.Requester, c.Engine));

        // Modules: room upgrades, spaces, threading
        routes.Post(
            Room + "/upgrade",
            c => RoomUpgrades.Upgrade(c["roomId"], c.Request, c.Requester, c.Engine, c.Part<RoomUpgrade>())).WithRate(RateKind.Join);
        routes.Get(
            V1Room + "/hierarchy",
            c => RoomSummaries.GetHierarchy(c["roomId"], c.Token("from"), c.Request, c.Requester, c.Engine, c.Part<RemoteSpaces>(), c.Spool));
        routes.Get(V1Room + "/threads", c => RoomThreads.List(c["roomId"], c.Token("from"), c.Request, c.Requester, c.Engine, c.Spool));

        // Modules: typing notifications, receipts, fully read markers, event context
        routes.Put(
            Room + "/typing/{userId}",
            c => Ephemeral.SetTyping(c["roomId"], c["userId"], c.Request, c.Requester, c.Engine, c.Part<TypingUsers>()));
        routes.Post(
            Room + "/receipt/{receiptType}/{eventId}",
            c => Ephemeral.SetReceipt(
                c["roomId"], c["receiptType"], c["eventId"], c.Request, c.Requester, c.Engine, c.Part<ReadReceipts>(),
                c.Part<AccountData>()));
        routes.Post(
            Room + "/read_markers",
            c => Ephemeral.SetReadMarkers(c["roomId"], c.Request, c.Requester, c.Engine, c.Part<ReadReceipts>(), c.Part<AccountData>()));
        routes.Get(
            Room + "/context/{eventId}",
            c => RoomContext.GetAsync(
                c["roomId"], c["eventId"], c.Query("filter"), c.Request, c.Requester, c.Engine, c.Part<RoomBackfill>(), c.Spool));
    }

    private static RoomTargets Targets(ApiCall c) => new(c.Engine, c.Part<AppServiceQueries>(), c.Part<RemoteRooms>());

    /// <summary>Answers once all of the room's state is known here: this server may have come into the room a moment ago.</summary>
    private static async Task<IResult> WholeAsync(ApiCall call, Func<IResult> answer)
    {
        var (requester, engine) = (call.Requester, call.Engine);
        return engine.Find(call["roomId"]) is not { } room
            || !room.LocalMembers().Contains(requester.UserNid)
            || await engine.WaitWholeAsync(room, call.Context.RequestAborted)
                ? answer()
                : MatrixError.PartialState();
    }
}
