using EdgeMatrix.ClientApi.Limits;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>The endpoints of rooms, one line each, in the order of the specification.</summary>
public static class RoomRoutes
{
    private const string V3 = "/_matrix/client/v3";
    private const string V1 = "/_matrix/client/v1";
    private const string V1Room = V1 + "/rooms/{roomId}";
    private const string Room = V3 + "/rooms/{roomId}";

    public static void MapRooms(this IEndpointRouteBuilder routes)
    {
        // Getting events for a room
        routes.MapGet(Room + "/event/{eventId}", RoomEvents.Get);
        routes.MapGet(Room + "/joined_members", RoomMemberLists.Joined);
        routes.MapGet(Room + "/members", RoomMemberLists.All);
        routes.MapGet(Room + "/state", RoomState.All);
        routes.MapGet(Room + "/state/{eventType}/{stateKey?}", RoomState.Get);
        routes.MapGet(Room + "/messages", RoomMessages.Page);
        routes.MapGet(V1Room + "/timestamp_to_event", TimestampToEvent.Find);

        // Sending events to a room
        routes.MapPut(Room + "/state/{eventType}/{stateKey?}", RoomSending.SetState).WithRate(RateKind.Message);
        routes.MapPut(Room + "/send/{eventType}/{txnId}", RoomSending.Send).WithRate(RateKind.Message);
        routes.MapPut(Room + "/redact/{eventId}/{txnId}", RoomSending.Redact).WithRate(RateKind.Message);

        // Creation
        routes.MapPost(V3 + "/createRoom", RoomCreationEndpoint.Create).WithRate(RateKind.Join);

        // Room aliases
        routes.MapGet(V3 + "/directory/room/{roomAlias}", RoomAliases.Resolve).WithoutToken();
        routes.MapPut(V3 + "/directory/room/{roomAlias}", RoomAliases.Create);
        routes.MapDelete(V3 + "/directory/room/{roomAlias}", RoomAliases.Delete);
        routes.MapGet(Room + "/aliases", RoomAliases.OfRoom);

        // Room membership
        routes.MapGet(V3 + "/joined_rooms", RoomMembership.JoinedRooms);
        routes.MapPost(Room + "/invite", RoomMembership.Invite).WithRate(RateKind.Invite);
        routes.MapPost(V3 + "/join/{roomIdOrAlias}", RoomMembership.JoinByIdOrAlias).WithRate(RateKind.Join);
        routes.MapPost(Room + "/join", RoomMembership.Join).WithRate(RateKind.Join);
        routes.MapPost(V3 + "/knock/{roomIdOrAlias}", RoomMembership.Knock).WithRate(RateKind.Join);
        routes.MapPost(Room + "/forget", RoomMembership.Forget);
        routes.MapPost(Room + "/leave", RoomMembership.Leave);
        routes.MapPost(Room + "/kick", RoomMembership.Kick);
        routes.MapPost(Room + "/ban", RoomMembership.Ban);
        routes.MapPost(Room + "/unban", RoomMembership.Unban);

        // Published room directory
        routes.MapGet(V3 + "/directory/list/room/{roomId}", PublishedRooms.GetVisibility).WithoutToken();
        routes.MapPut(V3 + "/directory/list/room/{roomId}", PublishedRooms.SetVisibility);
        routes.MapGet(V3 + "/publicRooms", PublishedRooms.List).WithoutToken();
        routes.MapPost(V3 + "/publicRooms", PublishedRooms.Search);

        // Forming relationships between events
        routes.MapGet(V1Room + "/relations/{eventId}", RoomRelations.Of);
        routes.MapGet(V1Room + "/relations/{eventId}/{relType}", RoomRelations.OfType);
        routes.MapGet(V1Room + "/relations/{eventId}/{relType}/{eventType}", RoomRelations.OfEventType);

        // Room previews: a room's summary, by its first names too (MSC3266)
        routes.MapGet(V1 + "/room_summary/{roomIdOrAlias}", RoomSummaries.Get);
        routes.MapGet("/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}", RoomSummaries.Get);
        routes.MapGet("/_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary", RoomSummaries.Get);

        // Modules: room upgrades, spaces, threading
        routes.MapPost(Room + "/upgrade", RoomUpgrades.Upgrade).WithRate(RateKind.Join);
        routes.MapGet(V1Room + "/hierarchy", RoomSummaries.GetHierarchy);
        routes.MapGet(V1Room + "/threads", RoomThreads.List);

        // Modules: typing notifications, receipts, fully read markers, event context
        routes.MapPut(Room + "/typing/{userId}", Ephemeral.SetTyping);
        routes.MapPost(Room + "/receipt/{receiptType}/{eventId}", Ephemeral.SetReceipt);
        routes.MapPost(Room + "/read_markers", Ephemeral.SetReadMarkers);
        routes.MapGet(Room + "/context/{eventId}", RoomContext.Get);
    }
}
