using System.Runtime.InteropServices;
using System.Text.Json;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>
/// What joining, knocking and leaving by way of this server have in common: a server that is not in the room asks for a template, makes an event
/// of it, and sends that back signed.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms</remarks>
internal static class Handshake
{
    // "The room versions the sending server has support for. Defaults to [1]."
    private const string DefaultVersion = "1";

    /// <summary>A room that this server is in, and that the asking server may come into.</summary>
    public static (Room? Room, MatrixError? Error) Open(RoomEngine engine, string roomId, string origin)
    {
        using var db = engine.Database.OpenSnapshot();
        if (RoomTable.Find(db, roomId) is not { } row || engine.Find(db, row) is not { } room || room.LocalMembers().IsEmpty)
        {
            return (null, MatrixError.NotFound("This server is not in the room"));
        }

        return ServerAccess.RefuseByAcl(db, row, room.Version, origin) is { } refused ? (null, refused)
            : row.IsPartial ? (null, MatrixError.PartialState())
            : (room, null);
    }

    /// <summary>A refusal, if the asking server does not say that it knows the version of the room.</summary>
    public static MatrixError? CheckVersion(HttpRequest request, Room room)
    {
        var known = request.Query["ver"];
        return known.Contains(room.Version.Id) || (known.Count == 0 && room.Version.Id == DefaultVersion)
            ? null
            : MatrixError.From(new Refusal(RefusalKind.IncompatibleRoomVersion, "Your server does not know the version of the room")
            {
                RoomVersion = room.Version.Id,
            });
    }

    /// <summary>Answers with the template of an event by which a user of the asking server changes their own membership.</summary>
    /// <param name="draft">Gives what it says, from the state of the room; or why the user may not.</param>
    public static async Task<IResult> MakeAsync(
        RoomEngine engine, Room room, string userId, string origin, Func<StateLookup, Outcome<EventDraft>> draft, CancellationToken cancellation)
    {
        if (!IsOf(userId, origin))
        {
            return MatrixError.Forbidden("The user is none of your server");
        }

        var (template, refusal) = await engine.TemplateAsync(room, draft, cancellation);
        return refusal is not null
            ? MatrixError.From(refusal)
            : JsonText.Write(json => template!.Write(json, engine.Server.Name, engine.Time.GetUtcNow().ToUnixTimeMilliseconds()));
    }

    /// <summary>The draft of a user's own membership, as a template shows it.</summary>
    public static EventDraft Draft(string userId, JsonElement content) => new(EventTypes.Member, userId, userId, content);

    /// <summary>Reads an event that was made of a template, and checks all that needs no room.</summary>
    /// <param name="sign">Makes the event what this server's signature is added to, before its signatures are checked; or refuses to.</param>
    public static async Task<(Pdu? Event, MatrixError? Error)> ReadAsync(
        JsonElement content,
        string eventId,
        Room room,
        string origin,
        string membership,
        KeyRing keys,
        Func<Pdu, Task<(Pdu? Event, MatrixError? Error)>>? sign,
        CancellationToken cancellation)
    {
        var (parsed, problem) = Pdu.Parse(Bytes(content), room.Version);
        if (parsed is null)
        {
            return (null, MatrixError.BadJson($"That is no event of the room: {problem}"));
        }

        if (parsed.EventId != eventId || parsed.RoomId != room.Id)
        {
            return (null, MatrixError.InvalidParam("The event is not the one that the path names"));
        }

        // "servers SHOULD return M_INVALID_PARAM if: …"
        if (parsed.Type != EventTypes.Member || JsonContent.Text(parsed.Content, "membership") != membership)
        {
            return (null, MatrixError.InvalidParam($"The event is no m.room.member with the membership {membership}"));
        }

        if (parsed.StateKey != parsed.Sender || !IsOf(parsed.Sender, origin))
        {
            return (null, MatrixError.InvalidParam("The event is not about its sender, or that is no user of your server"));
        }

        if (sign is not null)
        {
            var (signed, refused) = await sign(parsed);
            if (refused is not null)
            {
                return (null, refused);
            }

            parsed = signed!;
        }

        return await CheckAsync(parsed, keys, cancellation) is { } wrong ? (null, wrong) : (parsed, null);
    }

    /// <summary>A refusal, if a signature that an event must have is missing or wrong, or its hash is.</summary>
    public static async Task<MatrixError?> CheckAsync(Pdu candidate, KeyRing keys, CancellationToken cancellation)
    {
        var lookup = await keys.PrepareAsync(NeededKey.Of(candidate), cancellation);
        var received = ReceivedEvent.Of(candidate, lookup);
        return received.Event is null ? MatrixError.InvalidParam($"A signature of the event is wrong or missing: {received.Signatures}")
            : received.HashMatches ? null
            : MatrixError.InvalidParam("The event has not the hash that it says it has");
    }

    /// <summary>Puts an event into the room, and has the other servers in it told.</summary>
    /// <returns>A refusal, if the room does not take it.</returns>
    public static async Task<MatrixError?> TakeAsync(RoomEngine engine, Room room, Pdu member, CancellationToken cancellation)
    {
        var reception = (await engine.ReceiveAsync(room, [member], cancellation, outgoing: true))[0];
        return reception.Outcome switch
        {
            ReceiptOutcome.Accepted => null,
            null => MatrixError.InvalidParam("The event follows others than the template did"),
            _ => MatrixError.Forbidden(reception.Refusal ?? "The room does not take the event"),
        };
    }

    /// <summary>The answer as it is.</summary>
    public static Action<Utf8JsonWriter> Plain(Action<Utf8JsonWriter> write) => write;

    /// <summary>The answer as the endpoints of before MSC1802 have it: with its status, in a list.</summary>
    public static Action<Utf8JsonWriter> OldAnswer(Action<Utf8JsonWriter> write) => json =>
    {
        json.WriteStartArray();
        json.WriteNumberValue(StatusCodes.Status200OK);
        write(json);
        json.WriteEndArray();
    };

    /// <summary>What those endpoints say of an event that is not what it has to be: 403, as before there was a code for it.</summary>
    public static MatrixError OldError(MatrixError error) => error.Code is "M_INVALID_PARAM" or "M_BAD_JSON" ? MatrixError.Forbidden(error.Message) : error;

    public static bool IsOf(string userId, string server) =>
        UserId.TryParse(userId, out var user) && user.ServerName == server;

    /// <summary>The text of a value of a body.</summary>
    public static byte[] Bytes(JsonElement value) => JsonMarshal.GetRawUtf8Value(value).ToArray();
}
