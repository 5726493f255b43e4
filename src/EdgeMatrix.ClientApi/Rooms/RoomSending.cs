using System.Text.Json;
using EdgeMatrix.Accounts.Notices;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Relations;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>Sending events.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#sending-events-to-a-room</remarks>
internal static class RoomSending
{
    // What an integer of an event may be. Spec: https://spec.matrix.org/v1.19/appendices/#canonical-json
    private const long MaxTimestamp = (1L << 53) - 1;

    /// <summary>
    /// <c>PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}</c>; and <c>POST</c> without a transaction, which the specification
    /// has no more, but scripts use.
    /// </summary>
    /// <param name="txnId">Null: the event is sent each time.</param>
    public static async Task<IResult> Send(
        string roomId, string eventType, string? txnId, HttpRequest request, Requester requester, RoomEngine engine)
    {
        var (content, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (ts, badTs) = Timestamp(request, requester);
        if (badTs is not null)
        {
            return badTs;
        }

        if (engine.Find(roomId) is not { } room)
        {
            return NotInRoom();
        }

        if (requester.IsSuspended && (eventType != "m.room.redaction" || !content.TryGetProperty("redacts", out _)))
        {
            return MatrixError.UserSuspended();
        }

        // MSC4169: a redaction may be sent like any event; what it redacts stands in its content.
        var redacts = eventType == "m.room.redaction" ? JsonContent.Text(content, "redacts") : null;
        return redacts is null
            ? await Answer(engine.SendAsync(
                room,
                state => RelationRules.Check(engine.Database, room, state, requester.UserId, eventType, content) is { } refusal
                    ? refusal
                    : new EventDraft(eventType, null, requester.UserId, content) { OriginServerTs = ts },
                Transaction(requester, "send", roomId, eventType, txnId),
                request.HttpContext.RequestAborted))
            : await SendRedaction(room, redacts, content, Transaction(requester, "send", roomId, eventType, txnId), request, requester, engine, ts);
    }

    /// <summary><c>PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}</c>, and the form of before r0 without a transaction id.</summary>
    public static async Task<IResult> Redact(
        string roomId, string eventId, string? txnId, HttpRequest request, Requester requester, RoomEngine engine)
    {
        var (body, error) = await request.ReadObjectOrEmptyAsync();
        if (error is not null)
        {
            return error;
        }

        if (body.TryGetProperty("reason", out var reason) && reason.ValueKind != JsonValueKind.String)
        {
            return MatrixError.BadJson("reason must be a string");
        }

        return engine.Find(roomId) is { } room
            ? await SendRedaction(room, eventId, body, Transaction(requester, "redact", roomId, eventId, txnId), request, requester, engine)
            : NotInRoom();
    }

    /// <summary><c>PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}</c></summary>
    public static async Task<IResult> SetState(
        string roomId, string eventType, string? stateKey, HttpRequest request, Requester requester, RoomEngine engine, ServerNotices notices,
        RoomMembers members)
    {
        var (content, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (ts, badTs) = Timestamp(request, requester);
        if (badTs is not null)
        {
            return badTs;
        }

        if (engine.Find(roomId) is not { } room)
        {
            return NotInRoom();
        }

        if (eventType == "m.room.member" && stateKey == requester.UserId && JsonContent.Text(content, "membership") == "leave"
            && notices.RefuseLeaving(room, requester.UserNid) is { } refused)
        {
            return MatrixError.From(refused);
        }

        if (eventType == "m.room.member" && JsonContent.Text(content, "membership") == "invite" && members.MustBeSigned(stateKey ?? ""))
        {
            return await Answer(members.InviteAsync(
                room, _ => new EventDraft(eventType, stateKey ?? "", requester.UserId, content) { OriginServerTs = ts }, request.HttpContext.RequestAborted));
        }

        string? present = null;
        var outcome = await engine.SendAsync(
            room,
            state =>
            {
                var current = state(eventType, stateKey ?? "");
                if (eventType == "m.room.canonical_alias" && CanonicalAlias.Check(engine, roomId, content, current?.Content) is { } refusal)
                {
                    return refusal;
                }

                // Setting what is set already needs no event, if the user could have set it.
                if (current is not null
                    && current.Sender == requester.UserId
                    && JsonElement.DeepEquals(current.Content, content)
                    && state("m.room.member", requester.UserId) is { } member
                    && Memberships.Of(member) == Membership.Join)
                {
                    present = current.EventId;
                    return default;
                }

                if (eventType == "m.room.member" && JsonContent.Text(content, "membership") == "invite"
                    && InvitePermission.Check(engine.Database, stateKey ?? "") is { } blocked)
                {
                    return blocked;
                }

                return new EventDraft(eventType, stateKey ?? "", requester.UserId, content) { OriginServerTs = ts };
            },
            null,
            request.HttpContext.RequestAborted);
        return outcome.Refusal is not null ? MatrixError.From(outcome.Refusal) : EventId(present ?? outcome.Value!);
    }

    public static MatrixError NotInRoom() => MatrixError.Forbidden("You are not in the room, or it does not exist");

    private static async Task<IResult> SendRedaction(
        Room room, string target, JsonElement body, TransactionId? transaction, HttpRequest request, Requester requester, RoomEngine engine,
        long? ts = null)
    {
        StoredEvent? stored;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            // Whoever is not in the room learns nothing of what is.
            if (MembershipTable.Find(snapshot, room.Nid, requester.UserNid)?.Membership != Membership.Join)
            {
                return NotInRoom();
            }

            stored = EventTable.Find(snapshot, target);
        }

        if (stored is null || stored.Room != room.Nid)
        {
            return MatrixError.InvalidParam("The event to redact is not in the room");
        }

        // "Redact their own events" is what the suspended may still do.
        var sender = stored.Parse(room.Version).Sender;
        if (requester.IsSuspended && sender != requester.UserId)
        {
            return MatrixError.UserSuspended();
        }

        return await Answer(engine.SendAsync(
            room,
            state => DraftRedaction(room, state, target, sender, body, requester.UserId, ts),
            transaction,
            request.HttpContext.RequestAborted));
    }

    /// <summary>A redaction as the version of the room has it; or why the sender may not.</summary>
    /// <param name="author">Who sent what is to be redacted.</param>
    /// <param name="body">What else is to stand in its content, such as the reason.</param>
    /// <param name="ts">When it happened, in ms; null: now.</param>
    public static Outcome<EventDraft> DraftRedaction(
        Room room, StateLookup state, string target, string author, JsonElement body, string sender, long? ts = null)
    {
        // Any user with the power level to send redactions may redact their own events; the redact level allows others'.
        var powerLevels = PowerLevels.From(room.Version, state("m.room.power_levels", ""), state("m.room.create", "")!);
        return author != sender && powerLevels.ForUser(sender) < powerLevels.Redact
            ? Refusal.Forbidden($"Redacting events of others needs power level {powerLevels.Redact}")
            : RedactionDraft(room, target, body, sender) with { OriginServerTs = ts };
    }

    private static EventDraft RedactionDraft(Room room, string target, JsonElement body, string sender)
    {
        var content = JsonContent.Object(json =>
        {
            foreach (var property in body.EnumerateObject())
            {
                if (property.Name != "redacts")
                {
                    property.WriteTo(json);
                }
            }

            if (room.Version.RedactsInContent)
            {
                json.WriteString("redacts", target);
            }
        });
        return new EventDraft("m.room.redaction", null, sender, content, room.Version.RedactsInContent ? null : target);
    }

    /// <summary>When an application service says that it happened; null: now, as for all others.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#timestamp-massaging</remarks>
    private static (long? Ts, MatrixError? Error) Timestamp(HttpRequest request, Requester requester) =>
        requester.AppService is null ? (null, null) : request.QueryInteger("ts", min: 0, max: MaxTimestamp);

    // The scope of a transaction identifier is a single device and a single HTTP endpoint.
    private static TransactionId? Transaction(Requester requester, string method, string roomId, string subject, string? txnId) =>
        txnId is null ? null : new(
            requester.DeviceNid,
            requester.AppService is { } service ? $"{method} {roomId} {subject} {service.Nid}" : $"{method} {roomId} {subject}",
            txnId);

    private static async Task<IResult> Answer(Task<Outcome<string>> sending)
    {
        var (eventId, refusal) = await sending;
        return refusal is not null ? MatrixError.From(refusal) : EventId(eventId!);
    }

    private static JsonText EventId(string eventId) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("event_id"u8, eventId);
        json.WriteEndObject();
    });
}
