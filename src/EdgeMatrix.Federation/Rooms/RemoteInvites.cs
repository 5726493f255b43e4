using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>Asks other servers to let their users be invited.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room</remarks>
public sealed class RemoteInvites(FederationClient client, RoomEngine engine)
{
    private const int MaxAnswerBytes = 256 * 1024;

    // As deep as an event may nest, in what it stands in.
    private const int MaxDepth = 80;

    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30);
    private static readonly JsonWriterOptions _options = new() { SkipValidation = true };

    /// <summary>Has the server of the invited user sign an invite.</summary>
    /// <returns>The invite with its signature; or what the server refuses by.</returns>
    public async Task<Outcome<Pdu>> SignAsync(Room room, Pdu invite, CancellationToken cancellation)
    {
        if (!UserId.TryParse(invite.StateKey, out var invited))
        {
            return Refusal.InvalidParam($"{invite.StateKey} is not a user ID");
        }

        var state = State(room, invite.Sender);
        var (answer, failure) = await SendAsync(invited.ServerName, "v2", invite, Body(invite, state), cancellation);
        if (failure is { Status: 400 or 404 } && room.Version.EventIdFormat == EventIdFormat.Chosen)
        {
            // "Senders which receive a 400 or 404 response to this endpoint should retry using the v1 API …, if the room version is 1 or 2."
            var (old, oldFailure) = await SendAsync(invited.ServerName, "v1", invite, OldBody(invite, state), cancellation);
            if (oldFailure is not { IsUnrecognized: true })
            {
                (answer, failure) = (old is { ValueKind: JsonValueKind.Array } pair && pair.GetArrayLength() == 2 ? pair[1] : null, oldFailure);
            }
        }

        if (failure is not null)
        {
            return HandshakeFailures.Of(failure);
        }

        var copy = answer is { ValueKind: JsonValueKind.Object } body && body.TryGetProperty("event"u8, out var signed)
            ? Pdu.Parse(JsonMarshal.GetRawUtf8Value(signed).ToArray(), room.Version).Event
            : null;
        var both = copy?.EventId == invite.EventId ? EventSignatures.AddFrom(invite, copy, invited.ServerName) : invite;
        return both != invite ? both : new Refusal(RefusalKind.NoAnswer, $"{invited.ServerName} did not sign the invite");
    }

    /// <summary>Has the server that a third-party invite came from make an invite of it.</summary>
    /// <param name="content">The member event, as far as its user's server can make it.</param>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1exchange_third_party_inviteroomid</remarks>
    public async Task<FederationFailure?> ExchangeAsync(string server, string roomId, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        var request = FederationRequest.Put(server, $"/_matrix/federation/v1/exchange_third_party_invite/{PathSegment.Of(roomId)}", content);
        return (await client.SendAsync(request with { Timeout = _timeout }, cancellation)).Failure;
    }

    /// <summary>Sends an invite; the answer of the older endpoint is a list.</summary>
    private async Task<(JsonElement? Answer, FederationFailure? Failure)> SendAsync(
        string server, string version, Pdu invite, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        var request = FederationRequest.Put(
            server, $"/_matrix/federation/{version}/invite/{PathSegment.Of(invite.RoomId)}/{PathSegment.Of(invite.EventId)}", body) with
        {
            DespiteBackoff = true, Timeout = _timeout, MaxBytes = MaxAnswerBytes,
        };
        using var stream = await client.OpenAsync(request, cancellation);
        if (stream.Failure is { } failure)
        {
            return (null, failure);
        }

        try
        {
            using var bytes = new MemoryStream();
            await stream.Body.CopyToAsync(bytes, cancellation);
            return CanonicalJson.TryParse(bytes.ToArray(), out var json, out _, MaxDepth) ? (json, null) : (null, null);
        }
        catch (OutboundException exception)
        {
            return (null, new FederationFailure(FederationFailureKind.Unreachable, 0, null, $"{server}: {exception.Message}"));
        }
    }

    private List<StoredEvent> State(Room room, string inviter)
    {
        using var db = engine.Database.OpenSnapshot();
        return RoomTable.Find(db, room.Nid) is { } row ? StrippedState.OfRoom(db, row.State, inviter) : [];
    }

    private static ReadOnlyMemory<byte> Body(Pdu invite, List<StoredEvent> state) => Write(json =>
    {
        json.WritePropertyName("event"u8);
        json.WriteRawValue(invite.Json.Span, skipInputValidation: true);
        WriteState(json, state);
        json.WriteString("room_version"u8, invite.Version.Id);
    });

    private static ReadOnlyMemory<byte> OldBody(Pdu invite, List<StoredEvent> state) => Write(json =>
    {
        foreach (var property in JsonElement.Parse(invite.Json.Span).EnumerateObject())
        {
            property.WriteTo(json);
        }

        json.WriteStartObject("unsigned"u8);
        WriteState(json, state);
        json.WriteEndObject();
    });

    // "All events listed MUST additionally be formatted according to the room version specification": whole, so that they can be checked.
    private static void WriteState(Utf8JsonWriter json, List<StoredEvent> state)
    {
        json.WriteStartArray("invite_room_state"u8);
        state.ForEach(stored => json.WriteRawValue(stored.Json, skipInputValidation: true));
        json.WriteEndArray();
    }

    private static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, _options))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }
}
