using System.Text.Json;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.AuthChains;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>Lets users of servers that are not in a room join it by way of this one.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms</remarks>
internal static class Joins
{
    private const string Authoriser = "join_authorised_via_users_server";

    // As many as a client is told by whom to name a room.
    private const int MaxHeroes = 5;

    /// <summary><c>GET /_matrix/federation/v1/make_join/{roomId}/{userId}</c></summary>
    public static async Task<IResult> Make(
        string roomId, string userId, string origin, HttpRequest request, RoomEngine engine, RestrictedJoins restricted)
    {
        var (room, error) = Handshake.Open(engine, roomId, origin);
        return error ?? Handshake.CheckVersion(request, room!) ?? await Handshake.MakeAsync(
            engine,
            room!,
            userId,
            origin,
            state =>
            {
                var (authoriser, refusal) = restricted.AuthorisingUser(room!, state, userId);
                return refusal is not null ? refusal : Handshake.Draft(userId, Content(authoriser!));
            },
            request.HttpContext.RequestAborted);
    }

    /// <summary><c>PUT /_matrix/federation/v2/send_join/{roomId}/{eventId}</c></summary>
    public static async Task<IResult> Send(
        string roomId,
        string eventId,
        string origin,
        JsonElement content,
        HttpRequest request,
        RoomEngine engine,
        RestrictedJoins restricted,
        KeyRing keys,
        AnswerSpool spool)
    {
        var (omitMembers, badOmit) = request.QueryBoolean("omit_members");
        if (badOmit is not null)
        {
            return badOmit;
        }

        var (joined, error) = await TakeAsync(roomId, eventId, origin, content, engine, restricted, keys, request.HttpContext.RequestAborted);
        return joined is null ? error! : Answer(engine, joined, omitMembers is true, spool, Handshake.Plain);
    }

    /// <summary><c>PUT /_matrix/federation/v1/send_join/{roomId}/{eventId}</c>, for servers of before MSC1802.</summary>
    public static async Task<IResult> SendOld(
        string roomId,
        string eventId,
        string origin,
        JsonElement content,
        HttpRequest request,
        RoomEngine engine,
        RestrictedJoins restricted,
        KeyRing keys,
        AnswerSpool spool)
    {
        var (joined, error) = await TakeAsync(roomId, eventId, origin, content, engine, restricted, keys, request.HttpContext.RequestAborted);
        return joined is null ? Handshake.OldError(error!) : Answer(engine, joined, omitMembers: false, spool, Handshake.OldAnswer);
    }

    private static async Task<(Joined? Joined, MatrixError? Error)> TakeAsync(
        string roomId,
        string eventId,
        string origin,
        JsonElement content,
        RoomEngine engine,
        RestrictedJoins restricted,
        KeyRing keys,
        CancellationToken cancellation)
    {
        var (room, error) = Handshake.Open(engine, roomId, origin);
        if (room is null)
        {
            return (null, error);
        }

        var (join, wrong) = await Handshake.ReadAsync(
            content, eventId, room, origin, "join", keys, parsed => SignAsync(engine, room, parsed, restricted, cancellation), cancellation);
        if (join is null)
        {
            return (null, wrong);
        }

        // "A list of the servers active in the room (ie, those with joined members) before the join."
        List<string> servers;
        using (var db = engine.Database.OpenSnapshot())
        {
            servers = [engine.Server.Name, .. RoomServerTable.InRoom(db, room.Nid)];
        }

        return await Handshake.TakeAsync(engine, room, join, cancellation) is { } refused ? (null, refused) : (new Joined(room, join, servers), null);
    }

    private static JsonElement Content(string authoriser) => JsonContent.Object(json =>
    {
        if (authoriser.Length > 0)
        {
            json.WriteString(Authoriser, authoriser);
        }

        json.WriteString("membership", "join");
    });

    /// <summary>Adds this server's signature to a join that a user of it is to let in, if the user who joins may be.</summary>
    /// <remarks>"The resident server which owns the provided user ID must have a valid signature on the event."</remarks>
    private static async Task<(Pdu? Event, MatrixError? Error)> SignAsync(
        RoomEngine engine, Room room, Pdu join, RestrictedJoins restricted, CancellationToken cancellation)
    {
        if (!room.Version.RestrictedJoins || JsonContent.Text(join.Content, Authoriser) is not { } authoriser || !engine.Server.Owns(authoriser))
        {
            return (join, null);
        }

        var (_, refusal) = await engine.TemplateAsync(
            room,
            state => restricted.AuthorisingUser(room, state, join.Sender).Refusal is { } refused ? refused : Handshake.Draft(join.Sender, join.Content),
            cancellation);
        return refusal is null
            ? (EventSignatures.Add(join, engine.Server.Name, engine.Server.Key), null)
            : (null, MatrixError.From(refusal));
    }

    /// <summary>The state of the room before the join, and what allowed it and the join.</summary>
    private static IResult Answer(
        RoomEngine engine, Joined joined, bool omitMembers, AnswerSpool spool, Func<Action<Utf8JsonWriter>, Action<Utf8JsonWriter>> form)
    {
        var (room, join, servers) = joined;
        using var db = engine.Database.OpenSnapshot();
        if (EventTable.Find(db, join.EventId) is not { } stored)
        {
            return MatrixError.NotFound("The room is gone");
        }

        var state = State(db, room, stored, withMembers: !omitMembers);
        var events = new StoredEventSource(db, room.Nid, room.Version);
        long[] cited = [.. join.AuthEvents.Select(events.NumberOf).Where(nid => nid != 0)];
        HashSet<long> chain = [.. new AuthChains(db, room.Nid, room.Version).Of([.. state, .. cited]), .. cited];
        if (omitMembers)
        {
            // "any events that are returned in state may be omitted from auth_chain".
            chain.ExceptWith(state);
        }

        return LongJson.Write(spool, form(json =>
        {
            json.WriteStartObject();
            json.WritePropertyName("event"u8);
            json.WriteRawValue(join.Json.Span, skipInputValidation: true);
            json.WriteBoolean("members_omitted"u8, omitMembers);
            json.WriteString("origin"u8, engine.Server.Name);
            if (omitMembers)
            {
                json.WriteStartArray("servers_in_room"u8);
                servers.ForEach(json.WriteStringValue);
                json.WriteEndArray();
            }

            WriteEvents(json, db, "state"u8, state);
            WriteEvents(json, db, "auth_chain"u8, chain.Order());
            json.WriteEndObject();
        }));
    }

    /// <summary>Nids of the state before the join; without members, but for those by whom a client would name the room.</summary>
    private static List<long> State(Session db, Room room, StoredEvent join, bool withMembers)
    {
        var state = new List<long>();
        StateAtEvent.ForEachBefore(db, join, entry =>
        {
            if (withMembers || !StateKeyTable.IsMember(db, entry.StateKey))
            {
                state.Add(entry.Event);
            }
        });
        if (!withMembers && !HasText("m.room.name", "name") && !HasText("m.room.canonical_alias", "alias"))
        {
            state.AddRange(Heroes(db, room, join));
        }

        return state;

        bool HasText(string type, string property) =>
            RoomStateReader.Find(db, room.Version, join.State, type, "") is { } named && JsonContent.Text(named.Content, property) is { Length: > 0 };
    }

    // "The first 5 members of the room, ordered by stream ordering, which are joined or invited."
    private static List<long> Heroes(Session db, Room room, StoredEvent join) =>
        [.. MembershipTable.InRoom(db, room.Nid, Membership.Join, MaxHeroes + 1)
            .Concat(MembershipTable.InRoom(db, room.Nid, Membership.Invite, MaxHeroes + 1))
            .Where(member => member.Event != join.Nid)
            .OrderBy(member => member.Position)
            .Take(MaxHeroes)
            .Select(member => member.Event)];

    private static void WriteEvents(Utf8JsonWriter json, Session db, ReadOnlySpan<byte> name, IEnumerable<long> nids)
    {
        json.WriteStartArray(name);
        foreach (var nid in nids)
        {
            if (EventTable.Find(db, nid) is { } stored)
            {
                json.WriteRawValue(stored.Json, skipInputValidation: true);
            }
        }

        json.WriteEndArray();
    }

    /// <summary>A join that the room took, and who was in it before.</summary>
    private sealed record Joined(Room Room, Pdu Join, List<string> Servers);
}
