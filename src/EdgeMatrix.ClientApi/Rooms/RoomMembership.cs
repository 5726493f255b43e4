using System.Text.Json;
using EdgeMatrix.Accounts.Notices;
using EdgeMatrix.ClientApi.AppServices;
using EdgeMatrix.Delivery.AppServices;
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

    private delegate Task<Outcome<string>> EnterAction(
        Room room, string userId, string? reason, JsonElement body, CancellationToken cancellationToken);

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
        string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members, AppServiceQueries queries) =>
        Enter(roomId, request, requester, engine, queries, Join(members));

    /// <summary><c>POST /_matrix/client/v3/join/{roomIdOrAlias}</c></summary>
    public static Task<IResult> JoinByIdOrAlias(
        string roomIdOrAlias, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members, AppServiceQueries queries) =>
        Enter(roomIdOrAlias, request, requester, engine, queries, Join(members));

    /// <summary><c>POST /_matrix/client/v3/knock/{roomIdOrAlias}</c></summary>
    public static Task<IResult> Knock(
        string roomIdOrAlias, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members, AppServiceQueries queries) =>
        Enter(
            roomIdOrAlias, request, requester, engine, queries,
            (room, userId, reason, _, cancellation) => members.KnockAsync(room, userId, reason, cancellation));

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
        string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members, AppServiceQueries queries) =>
        IsBlocked(engine, roomId)
            ? Task.FromResult<IResult>(MatrixError.Forbidden("The administrators of this server have blocked the room"))
            : Act(roomId, request, requester, engine, async (room, sender, target, reason, cancellation) =>
            {
                // Whether there is such a user or not, they are invited.
                await MadeOnDemand.FindUserAsync(engine, queries, target, cancellation);
                return await members.InviteAsync(room, sender, target, reason, cancellation);
            });

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/kick</c></summary>
    public static Task<IResult> Kick(string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members) =>
        Act(roomId, request, requester, engine, members.KickAsync);

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/ban</c></summary>
    public static Task<IResult> Ban(string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members) =>
        Act(roomId, request, requester, engine, members.BanAsync);

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/unban</c></summary>
    public static Task<IResult> Unban(string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members) =>
        Act(roomId, request, requester, engine, members.UnbanAsync);

    private static EnterAction Join(RoomMembers members) =>
        (room, userId, reason, body, cancellation) => members.JoinAsync(room, userId, reason, cancellation, body);

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
        RoomEngine engine,
        AppServiceQueries queries,
        EnterAction enter)
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

        var (roomId, noAnswer) = roomIdOrAlias is ['#', ..]
            ? await MadeOnDemand.FindAliasAsync(engine, queries, roomIdOrAlias, request.HttpContext.RequestAborted)
            : (roomIdOrAlias, null);
        if (noAnswer is not null)
        {
            return noAnswer;
        }

        if (roomId is null || engine.Find(roomId) is not { } room)
        {
            return roomIdOrAlias is ['!' or '#', ..]
                ? MatrixError.NotFound("No room of that ID or alias is known here")
                : MatrixError.InvalidParam("Not a room ID or alias");
        }

        if (IsBlocked(engine, room.Id))
        {
            return MatrixError.Forbidden("The administrators of this server have blocked the room");
        }

        var (_, refusal) = await enter(room, requester.UserId, wanted!.Reason, body, request.HttpContext.RequestAborted);
        return refusal is not null ? MatrixError.From(refusal) : RoomId(room.Id);
    }

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

    private static async Task<IResult> Act(string roomId, HttpRequest request, Requester requester, RoomEngine engine, MemberAction act)
    {
        var (body, error) = await request.ReadJsonAsync(RoomsJson.Default.MemberRequest);
        if (error is not null)
        {
            return error;
        }

        if (body!.UserId is not { } target)
        {
            return body.Medium is null
                ? MatrixError.BadJson("user_id is missing")
                : MatrixError.ThreepidDenied("Invites by e-mail or phone need an identity server, which this server does not use");
        }

        return engine.Find(roomId) is { } room
            ? Done(await act(room, requester.UserId, target, body.Reason, request.HttpContext.RequestAborted))
            : RoomSending.NotInRoom();
    }

    private static IResult Done(Outcome<string> outcome) => outcome.Refusal is { } refusal ? MatrixError.From(refusal) : JsonText.Empty;
}
