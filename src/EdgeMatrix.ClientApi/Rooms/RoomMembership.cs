using System.Text.Json;
using EdgeMatrix.Accounts.Notices;
using EdgeMatrix.ClientApi.AppServices;
using EdgeMatrix.ClientApi.ThirdPartyIdentifiers;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Delivery.Identity;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>Ways in and out of rooms.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#room-membership</remarks>
internal static class RoomMembership
{
    private delegate Task<Outcome<string>> MemberAction(
        Room room, string sender, string target, string? reason, CancellationToken cancellationToken);

    /// <summary><c>GET /_matrix/client/v3/joined_rooms</c></summary>
    public static IResult JoinedRooms(Requester requester, RoomEngine engine)
    {
        using var snapshot = engine.Database.OpenSnapshot();
        var rooms = MembershipTable.OfUser(snapshot, requester.UserNid, Membership.Join);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("joined_rooms"u8);
            foreach (var row in rooms)
            {
                json.WriteStringValue(RoomTable.Find(snapshot, row.Room)!.RoomId);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/join</c></summary>
    public static Task<IResult> Join(
        string roomId, HttpRequest request, Requester requester, RoomTargets targets, RemoteJoins joins, ThirdPartyInvites thirdParty) =>
        Enter(roomId, request, requester, targets, joins.JoinAsync, thirdParty);

    /// <summary><c>POST /_matrix/client/v3/join/{roomIdOrAlias}</c></summary>
    public static Task<IResult> JoinByIdOrAlias(
        string roomIdOrAlias, HttpRequest request, Requester requester, RoomTargets targets, RemoteJoins joins, ThirdPartyInvites thirdParty) =>
        Enter(roomIdOrAlias, request, requester, targets, joins.JoinAsync, thirdParty);

    /// <summary><c>POST /_matrix/client/v3/knock/{roomIdOrAlias}</c></summary>
    public static Task<IResult> Knock(
        string roomIdOrAlias, HttpRequest request, Requester requester, RoomTargets targets, RemoteKnocks knocks, ThirdPartyInvites thirdParty) =>
        Enter(roomIdOrAlias, request, requester, targets, knocks.KnockAsync, thirdParty);

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/leave</c></summary>
    public static async Task<IResult> Leave(
        string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members, ServerNotices notices)
    {
        var (body, error) = await request.ReadJsonOrEmptyAsync(RoomsJson.Default.ReasonRequest);
        if (error is not null)
        {
            return error;
        }

        return engine.Find(roomId) is { } room
            ? notices.RefuseLeaving(room, requester.UserNid) is { } refusal ? MatrixError.From(refusal)
            : Done(await members.LeaveAsync(room, requester.UserId, body?.Reason, request.HttpContext.RequestAborted))
            : RoomSending.NotInRoom();
    }

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/forget</c></summary>
    public static async Task<IResult> Forget(string roomId, Requester requester, RoomEngine engine, RoomMembers members)
    {
        if (engine.Find(roomId) is not { } room)
        {
            return RoomSending.NotInRoom();
        }

        return await members.ForgetAsync(room, requester.UserNid) is { } refusal ? MatrixError.From(refusal) : JsonText.Empty;
    }

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/invite</c></summary>
    public static Task<IResult> Invite(
        string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members, AppServiceQueries queries,
        ThirdPartyInvites thirdParty) =>
        IsBlocked(engine, roomId)
            ? Task.FromResult<IResult>(MatrixError.Forbidden("The administrators of this server have blocked the room"))
            : Act(roomId, request, requester, engine, async (room, sender, target, reason, cancellation) =>
            {
                // Whether there is such a user or not, they are invited.
                await MadeOnDemand.FindUserAsync(engine, queries, target, cancellation);
                return await members.InviteAsync(room, sender, target, reason, cancellation);
            }, thirdParty);

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/kick</c></summary>
    public static Task<IResult> Kick(string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members) =>
        Act(roomId, request, requester, engine, members.KickAsync);

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/ban</c></summary>
    public static Task<IResult> Ban(string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members) =>
        Act(roomId, request, requester, engine, members.BanAsync);

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/unban</c></summary>
    public static Task<IResult> Unban(string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members) =>
        Act(roomId, request, requester, engine, members.UnbanAsync);

    public static IResult RoomId(string roomId) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("room_id"u8, roomId);
        json.WriteEndObject();
    });

    private static async Task<IResult> Enter(
        string roomIdOrAlias,
        HttpRequest request,
        Requester requester,
        RoomTargets targets,
        Func<WantedEntry, CancellationToken, Task<Outcome<string>>> enter,
        ThirdPartyInvites thirdParty)
    {
        var (body, error) = await request.ReadObjectOrEmptyAsync();
        if (error is not null)
        {
            return error;
        }

        var (wanted, badShape) = body.As(RoomsJson.Default.ReasonRequest);
        if (badShape is not null)
        {
            return badShape;
        }

        var (target, notFound) = await targets.FindAsync(roomIdOrAlias, request);
        if (target is not var (roomId, servers))
        {
            return notFound!;
        }

        if (IsBlocked(targets.Engine, roomId))
        {
            return MatrixError.Forbidden("The administrators of this server have blocked the room");
        }

        // "If a third_party_signed was supplied, the homeserver must verify that it matches a pending m.room.third_party_invite event in the room".
        if (body.TryGetProperty("third_party_signed"u8, out var signed) && targets.Engine.FindInside(roomId) is { } inside
            && await AcceptAsync(inside, requester, signed, thirdParty, request.HttpContext.RequestAborted) is { } notInvited)
        {
            return MatrixError.From(notInvited);
        }

        var entry = WantedEntry.Of(targets.Engine, roomId, requester.UserId, servers, wanted!.Reason, body);
        var (_, refusal) = await enter(entry, request.HttpContext.RequestAborted);
        return refusal is not null ? MatrixError.From(refusal) : RoomId(roomId);
    }

    /// <returns>Why the user is not invited by it; null if they are.</returns>
    private static async Task<Refusal?> AcceptAsync(
        Room room, Requester requester, JsonElement signed, ThirdPartyInvites thirdParty, CancellationToken cancellation) =>
        JsonContent.Text(signed, "sender") is not { } sender || JsonContent.Text(signed, "mxid") != requester.UserId
            ? Refusal.Forbidden("third_party_signed is not for you, or tells no sender")
            : (await thirdParty.AcceptAsync(room, sender, requester.UserId, signed, cancellation)).Refusal;

    /// <summary>Whether the administrators of this server let nobody join the room.</summary>
    public static bool IsBlocked(RoomEngine engine, string roomId)
    {
        using var snapshot = engine.Database.OpenSnapshot();
        return BlockedRoomTable.Blocker(snapshot, roomId) is not null;
    }

    /// <summary>The room of an id or an alias; null if none is known here.</summary>
    public static Room? Resolve(RoomEngine engine, string roomIdOrAlias)
    {
        if (roomIdOrAlias is not ['#', ..])
        {
            return engine.Find(roomIdOrAlias);
        }

        string? roomId;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            roomId = RoomAliasTable.Find(snapshot, roomIdOrAlias)?.RoomId;
        }

        return roomId is null ? null : engine.Find(roomId);
    }

    /// <param name="thirdParty">Of an invite: who is invited may be told by an address.</param>
    private static async Task<IResult> Act(
        string roomId, HttpRequest request, Requester requester, RoomEngine engine, MemberAction act, ThirdPartyInvites? thirdParty = null)
    {
        var (body, error) = await request.ReadJsonAsync(RoomsJson.Default.MemberRequest);
        if (error is not null)
        {
            return error;
        }

        var room = engine.Find(roomId);
        if (body!.UserId is not { } target)
        {
            return thirdParty is null || body.Medium is null ? MatrixError.BadJson("user_id is missing")
                : body is not { Address: { } address, IdServer: { } idServer, IdAccessToken: { } token }
                    ? MatrixError.MissingParam("address, id_server or id_access_token")
                : room is null ? RoomSending.NotInRoom()
                : Done(await thirdParty.InviteAsync(
                    room, requester.UserId, new IdentityServer(idServer, token), body.Medium, ThreePidJson.Canonical(body.Medium, address) ?? address,
                    body.Reason, request.HttpContext.RequestAborted));
        }

        return room is not null
            ? Done(await act(room, requester.UserId, target, body.Reason, request.HttpContext.RequestAborted))
            : RoomSending.NotInRoom();
    }

    private static IResult Done(Outcome<string> outcome) => outcome.Refusal is { } refusal ? MatrixError.From(refusal) : JsonText.Empty;
}
