using EdgeMatrix.Accounts;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Receipts;
using EdgeMatrix.Rooms.Typing;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>Typing notifications, receipts and fully read markers.</summary>
/// <remarks>
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#typing-notifications,
/// https://spec.matrix.org/v1.19/client-server-api/#receipts, https://spec.matrix.org/v1.19/client-server-api/#fully-read-markers
/// </remarks>
internal static class Ephemeral
{
    /// <summary><c>PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}</c></summary>
    public static async Task<IResult> SetTyping(
        string roomId, string userId, HttpRequest request, Requester requester, RoomEngine engine, TypingUsers typing)
    {
        var (body, error) = await request.ReadJsonAsync(RoomsJson.Default.TypingRequest);
        if (error is not null)
        {
            return error;
        }

        if (userId != requester.UserId)
        {
            return MatrixError.Forbidden("You can only say of yourself that you type");
        }

        if (body!.Timeout < 0)
        {
            return MatrixError.InvalidParam("timeout must not be negative");
        }

        if (!TryFindJoined(engine, requester, roomId, out var room))
        {
            return RoomSending.NotInRoom();
        }

        var timeout = body.Timeout is { } ms
            ? TimeSpan.FromMilliseconds(Math.Min(ms, (long)TypingUsers.MaxTimeout.TotalMilliseconds))
            : TypingUsers.DefaultTimeout;
        return typing.Set(room.Nid, userId, body.Typing, timeout, room.LocalMembers())
            ? JsonText.Empty
            : MatrixError.LimitExceeded("Too many people are typing");
    }

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}</c></summary>
    public static async Task<IResult> SetReceipt(
        string roomId,
        string receiptType,
        string eventId,
        HttpRequest request,
        Requester requester,
        RoomEngine engine,
        ReadReceipts receipts,
        AccountData accountData)
    {
        var (body, error) = await request.ReadJsonOrEmptyAsync(RoomsJson.Default.ReceiptRequest);
        if (error is not null)
        {
            return error;
        }

        if (receiptType is not ("m.read" or "m.read.private" or "m.fully_read"))
        {
            return MatrixError.InvalidParam("The receipt type must be m.read, m.read.private or m.fully_read");
        }

        if (body?.ThreadId is { } thread && (receiptType == "m.fully_read" || thread is not ("main" or ['$', ..])))
        {
            return MatrixError.InvalidParam(
                receiptType == "m.fully_read" ? "m.fully_read markers have no thread" : "thread_id must be main or the ID of a thread root");
        }

        if (!TryFindJoined(engine, requester, roomId, out var room))
        {
            return RoomSending.NotInRoom();
        }

        if (receiptType == "m.fully_read")
        {
            await SetFullyRead(room, eventId, requester, accountData);
        }
        else
        {
            await receipts.SetAsync(room, requester.UserNid, TypeOf(receiptType), body?.ThreadId ?? "", eventId);
        }

        return JsonText.Empty;
    }

    /// <summary><c>POST /_matrix/client/v3/rooms/{roomId}/read_markers</c></summary>
    public static async Task<IResult> SetReadMarkers(
        string roomId, HttpRequest request, Requester requester, RoomEngine engine, ReadReceipts receipts, AccountData accountData)
    {
        var (body, error) = await request.ReadJsonAsync(RoomsJson.Default.ReadMarkersRequest);
        if (error is not null)
        {
            return error;
        }

        if (!TryFindJoined(engine, requester, roomId, out var room))
        {
            return RoomSending.NotInRoom();
        }

        if (body!.FullyRead is { } fullyRead)
        {
            await SetFullyRead(room, fullyRead, requester, accountData);
        }

        if (body.Read is { } read)
        {
            await receipts.SetAsync(room, requester.UserNid, ReceiptType.Read, "", read);
        }

        if (body.ReadPrivate is { } readPrivate)
        {
            await receipts.SetAsync(room, requester.UserNid, ReceiptType.ReadPrivate, "", readPrivate);
        }

        return JsonText.Empty;
    }

    private static ReceiptType TypeOf(string receiptType) => receiptType == "m.read" ? ReceiptType.Read : ReceiptType.ReadPrivate;

    private static Task SetFullyRead(Room room, string eventId, Requester requester, AccountData accountData) =>
        accountData.SetRoomAsync(requester.UserNid, room.Nid, "m.fully_read", JsonContent.Of("event_id", eventId));

    private static bool TryFindJoined(
        RoomEngine engine, Requester requester, string roomId, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Room? room)
    {
        room = engine.Find(roomId);
        if (room is null)
        {
            return false;
        }

        using var snapshot = engine.Database.OpenSnapshot();
        return MembershipTable.Find(snapshot, room.Nid, requester.UserNid)?.Membership == Membership.Join;
    }
}
