using System.Text.Json;
using EdgeMatrix.Delivery.Identity;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>Makes invites of those that were sent to an e-mail address, once it is known whose address it is.</summary>
/// <remarks>
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#third-party-invites
/// </remarks>
internal static class ThirdPartyInviteEndpoints
{
    // Whoever calls says nothing of who they are, and each may make a request to another server.
    private const int MaxInvites = 10;

    /// <summary><c>PUT /_matrix/federation/v1/exchange_third_party_invite/{roomId}</c></summary>
    public static async Task<IResult> Exchange(
        string roomId, string origin, JsonElement body, RoomEngine engine, ThirdPartyInvites invites, CancellationToken cancellation)
    {
        if (JsonContent.Text(body, "sender") is not { } sender
            || JsonContent.Text(body, "state_key") is not { } invited
            || !body.TryGetProperty("content"u8, out var content) || content.ValueKind != JsonValueKind.Object
            || !content.TryGetProperty("third_party_invite"u8, out var invite) || invite.ValueKind != JsonValueKind.Object
            || !invite.TryGetProperty("signed"u8, out var signed) || signed.ValueKind != JsonValueKind.Object)
        {
            return MatrixError.BadJson("sender, state_key or content.third_party_invite.signed is missing");
        }

        if (JsonContent.Text(body, "type") != EventTypes.Member
            || JsonContent.Text(body, "room_id") != roomId
            || JsonContent.Text(content, "membership") != "invite"
            || !Handshake.IsOf(invited, origin))
        {
            return MatrixError.InvalidParam("That is no invite to the room for a user of your server");
        }

        var (room, error) = Handshake.Open(engine, roomId, origin);
        return error is not null ? error
            : (await invites.AcceptAsync(room!, sender, invited, signed, cancellation)).Refusal is { } refusal ? MatrixError.From(refusal)
            : JsonText.Empty;
    }

    /// <summary><c>PUT /_matrix/federation/v1/3pid/onbind</c>, which some call by <c>POST</c>: for identity servers, which need not say who they are.</summary>
    /// <remarks>Whoever calls, an invite comes to be only where it is signed by a key that the room names.</remarks>
    public static async Task<IResult> OnBind(HttpRequest request, RoomEngine engine, ThirdPartyInvites thirdParty, RemoteInvites remote)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        if (JsonContent.Text(body, "mxid") is not { } userId
            || !body.TryGetProperty("invites"u8, out var invites) || invites.ValueKind != JsonValueKind.Array)
        {
            return MatrixError.BadJson("mxid must be a string, and invites a list");
        }

        if (!IsUserHere(engine, userId))
        {
            return MatrixError.NotFound("There is no such user on this server");
        }

        if (invites.GetArrayLength() > MaxInvites)
        {
            return MatrixError.InvalidParam($"There are more than {MaxInvites} invites");
        }

        Refusal? refused = null;
        foreach (var invite in invites.EnumerateArray())
        {
            if (JsonContent.Text(invite, "room_id") is { } roomId && RoomId.IsValid(roomId)
                && JsonContent.Text(invite, "sender") is { } sender && UserId.TryParse(sender, out var inviter)
                && JsonContent.Text(invite, "mxid") == userId
                && invite.TryGetProperty("signed"u8, out var signed) && signed.ValueKind == JsonValueKind.Object)
            {
                // One that comes to nothing keeps no other from coming; but the identity server is told.
                var cancellation = request.HttpContext.RequestAborted;
                var refusal = engine.Server.Owns(sender) && engine.FindInside(roomId) is { } room
                    ? (await thirdParty.AcceptAsync(room, sender, userId, signed, cancellation)).Refusal
                    : await remote.ExchangeAsync(inviter.ServerName, roomId, Partial(roomId, sender, userId, signed), cancellation) is { } failure
                        ? HandshakeFailures.Of(failure)
                        : null;
                refused ??= refusal;
            }
        }

        return refused is not null ? MatrixError.From(refused) : JsonText.Empty;
    }

    /// <summary>What is asked of the server that the invite came from, which knows by what name it was sent.</summary>
    private static byte[] Partial(string roomId, string sender, string invited, JsonElement signed)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WritePropertyName("content"u8);
            ThirdPartyInvites.Invitation(signed, displayName: null).WriteTo(json);
            json.WriteString("room_id"u8, roomId);
            json.WriteString("sender"u8, sender);
            json.WriteString("state_key"u8, invited);
            json.WriteString("type"u8, EventTypes.Member);
            json.WriteEndObject();
        }

        return bytes.ToArray();
    }

    private static bool IsUserHere(RoomEngine engine, string userId)
    {
        using var db = engine.Database.OpenSnapshot();
        return AccountTable.Find(db, userId) is { IsDeactivated: false };
    }
}
