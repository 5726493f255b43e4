using System.Text.Json;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>Lets users of this server be invited by those of others.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room</remarks>
internal sealed class Invites(RoomEngine engine, KeyRing keys, AppServiceQueries queries)
{
    private const string StateName = "invite_room_state";

    // More than these no server has to tell of a room.
    private const int MaxState = 100;

    /// <summary><c>PUT /_matrix/federation/v2/invite/{roomId}/{eventId}</c></summary>
    public async Task<IResult> TakeAsync(string roomId, string eventId, string origin, JsonElement body, CancellationToken cancellation)
    {
        if (JsonContent.Text(body, "room_version") is not { } id
            || !body.TryGetProperty("event"u8, out var content) || content.ValueKind != JsonValueKind.Object)
        {
            return MatrixError.BadJson("room_version must be a string, and event an object");
        }

        if (RoomVersions.Find(id) is not { } version)
        {
            return MatrixError.From(new Refusal(RefusalKind.IncompatibleRoomVersion, $"Room version {id} is not supported") { RoomVersion = id });
        }

        var (signed, error) = await TakeAsync(roomId, eventId, origin, version, content, StateOf(body), cancellation);
        return error ?? (IResult)JsonText.Write(json => WriteEvent(json, signed!));
    }

    /// <summary><c>PUT /_matrix/federation/v1/invite/{roomId}/{eventId}</c></summary>
    /// <remarks>"Servers which receive a v1 invite request must assume that the room version is either 1 or 2."</remarks>
    public async Task<IResult> TakeOldAsync(string roomId, string eventId, string origin, JsonElement body, CancellationToken cancellation)
    {
        var state = body.TryGetProperty("unsigned"u8, out var unsigned) ? StateOf(unsigned) : [];
        var isSecond = state.Exists(told => JsonContent.Text(told, "type") == EventTypes.Create
            && told.TryGetProperty("content"u8, out var create) && JsonContent.Text(create, "room_version") == RoomVersions.V2.Id);
        var (signed, error) = await TakeAsync(
            roomId, eventId, origin, isSecond ? RoomVersions.V2 : RoomVersions.V1, body, state, cancellation);
        return error ?? (IResult)JsonText.Write(json =>
        {
            json.WriteStartArray();
            json.WriteNumberValue(StatusCodes.Status200OK);
            WriteEvent(json, signed!);
            json.WriteEndArray();
        });
    }

    private static void WriteEvent(Utf8JsonWriter json, Pdu signed)
    {
        json.WriteStartObject();
        json.WritePropertyName("event"u8);
        json.WriteRawValue(signed.Json.Span, skipInputValidation: true);
        json.WriteEndObject();
    }

    private static List<JsonElement> StateOf(JsonElement parent) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(StateName, out var state) && state.ValueKind == JsonValueKind.Array
            ? [.. state.EnumerateArray().Take(MaxState)]
            : [];

    /// <returns>The invite with the signature of this server; or why it is not taken.</returns>
    private async Task<(Pdu? Signed, MatrixError? Error)> TakeAsync(
        string roomId, string eventId, string origin, RoomVersion version, JsonElement content, List<JsonElement> state, CancellationToken cancellation)
    {
        var (invite, problem) = Pdu.Parse(Handshake.Bytes(content), version);
        if (invite is null)
        {
            return (null, MatrixError.BadJson($"That is no event of room version {version.Id}: {problem}"));
        }

        if (invite.EventId != eventId || invite.RoomId != roomId)
        {
            return (null, MatrixError.InvalidParam("The event is not the one that the path names"));
        }

        // "Servers MUST apply certain validation to ensure they don't accidentally sign non-invite events from a malicious server."
        if (invite.Type != EventTypes.Member || JsonContent.Text(invite.Content, "membership") != "invite")
        {
            return (null, MatrixError.InvalidParam("The event is no invite"));
        }

        if (!Handshake.IsOf(invite.Sender, origin) || invite.StateKey is not { } invited || !Handshake.IsOf(invited, engine.Server.Name))
        {
            return (null, MatrixError.InvalidParam("The invite is not of a user of your server, or not for a user of this one"));
        }

        if ((await Handshake.CheckAsync(invite, keys, cancellation)
            ?? await CheckStateAsync(roomId, version, state, cancellation)
            ?? await RefuseAsync(roomId, invited, cancellation)) is { } refused)
        {
            return (null, refused);
        }

        var signed = EventSignatures.Add(invite, engine.Server.Name, engine.Server.Key);
        return await NoteAsync(signed, origin, state, cancellation) is { } notTaken ? (null, notTaken) : (signed, null);
    }

    /// <summary>"additional validation, which servers MAY apply to room versions 1 through 11 and SHOULD apply to all other room versions".</summary>
    /// <remarks>
    /// Whole events must be valid. Stripped ones, which Synapse 1.160 sends in version 12, too, are taken as in the versions before: as what the
    /// inviting server says of the room.
    /// </remarks>
    private async Task<MatrixError?> CheckStateAsync(string roomId, RoomVersion version, List<JsonElement> state, CancellationToken cancellation)
    {
        if (!version.CreateEventIsRoomId)
        {
            return null;
        }

        var events = state.Where(told => told.ValueKind == JsonValueKind.Object && told.TryGetProperty("signatures"u8, out _))
            .Select(told => Pdu.Parse(Handshake.Bytes(told), version).Event)
            .ToList();
        if (events.Exists(told => told?.RoomId != roomId || !told.IsState))
        {
            return MatrixError.InvalidParam($"{StateName} has what is no state event of the room");
        }

        if (!state.Exists(told => JsonContent.Text(told, "type") == EventTypes.Create))
        {
            return MatrixError.InvalidParam($"{StateName} has no m.room.create");
        }

        var lookup = await keys.PrepareAsync(events.SelectMany(told => NeededKey.Of(told!)), cancellation);
        return events.TrueForAll(told => EventSignatures.Check(told!, lookup).IsValid)
            ? null
            : MatrixError.InvalidParam($"{StateName} has an event with a signature that is wrong or missing");
    }

    private async Task<MatrixError?> RefuseAsync(string roomId, string invited, CancellationToken cancellation)
    {
        if (!HasAccount(invited))
        {
            await queries.UserAsync(invited, cancellation);
            if (!HasAccount(invited))
            {
                return MatrixError.Forbidden("There is no such user on this server");
            }
        }

        bool isBlocked;
        using (var db = engine.Database.OpenSnapshot())
        {
            isBlocked = BlockedRoomTable.Blocker(db, roomId) is not null;
        }

        return isBlocked ? MatrixError.Forbidden("The administrators of this server have blocked the room")
            : InvitePermission.Check(engine.Database, invited) is { } unwanted ? MatrixError.From(unwanted)
            : null;
    }

    /// <summary>Shows the invite to the user.</summary>
    private async Task<MatrixError?> NoteAsync(Pdu invite, string origin, List<JsonElement> state, CancellationToken cancellation)
    {
        if (engine.FindInside(invite.RoomId) is not { } room)
        {
            return await engine.NoteOutsideAsync(invite, StrippedState.Strip(state)) is { } refusal ? MatrixError.From(refusal) : null;
        }

        var (_, denied) = Handshake.Open(engine, room.Id, origin);
        if (denied is not null)
        {
            return denied;
        }

        // "if the remote homeserver is already in the room, it will receive the invite event twice": what it cannot judge yet it can then.
        return invite.Version.Id == room.Version.Id
            && (await engine.ReceiveAsync(room, [invite], cancellation))[0] is { Outcome: ReceiptOutcome.Rejected or ReceiptOutcome.SoftFailed } reception
                ? MatrixError.Forbidden(reception.Refusal ?? "The room does not take the invite")
                : null;
    }

    private bool HasAccount(string userId)
    {
        using var db = engine.Database.OpenSnapshot();
        return AccountTable.Find(db, userId) is { IsDeactivated: false };
    }
}
