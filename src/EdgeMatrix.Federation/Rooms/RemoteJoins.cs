using System.Text.Json;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>Has users of this server join rooms with the help of servers that are in them.</summary>
/// <remarks>
/// One resident after the other: 1. asks for a template, and makes a join of it (<see cref="RoomHandshake"/>). 2. Sends it back, and reads what
/// the room is (<see cref="SendJoinAnswer"/>), as far as that is needed to be in it: the members come later (<see cref="RoomCompletion"/>). 3. Checks
/// that (<see cref="ToldRoom"/>). 4. Enters (<see cref="RoomEngine.EnterAsync"/>).
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
/// </remarks>
public sealed class RemoteJoins(FederationClient client, KeyRing keys, RoomEngine engine, RoomMembers members, RoomCompletion completion)
{
    private const long LeastMemory = 64L << 20;
    private const long MostMemory = 512L << 20;

    private static readonly TimeSpan _timeOfAll = TimeSpan.FromMinutes(5);

    // Of a large room the resident has much to look up before it begins to answer.
    private static readonly TimeSpan _timeOfAnswer = TimeSpan.FromMinutes(4);

    private readonly ToldMemory _memory = new(Math.Clamp(engine.Database.Memory.Limit, LeastMemory, MostMemory));
    private readonly RoomHandshake _handshake = new(client, engine.Server, engine.Time);

    private static readonly TimeSpan _waitForMembers = TimeSpan.FromMilliseconds(500);

    // Whoever comes while somebody else of this server enters the room finds it entered.
    private readonly TurnsByName _turns = new(1);

    /// <summary>Joins a room, whether this server is in it or not.</summary>
    /// <returns>The id of the join; empty if the user was joined. Who gives up waiting for it does not undo it.</returns>
    public async Task<Outcome<string>> JoinAsync(WantedEntry wanted, CancellationToken cancellation) =>
        engine.FindInside(wanted.RoomId) is { } room
            ? await JoinInsideAsync(room, wanted, cancellation)
            : await EnterInTurnAsync(wanted).WaitAsync(cancellation);

    /// <summary>Joins a room that this server is in; where nobody of it may let the user in, by way of another.</summary>
    private async Task<Outcome<string>> JoinInsideAsync(Room room, WantedEntry wanted, CancellationToken cancellation)
    {
        if (!await engine.WaitWholeAsync(room, cancellation))
        {
            return new Refusal(RefusalKind.NoAnswer, "This server does not know yet who is in the room: try again later");
        }

        var joined = await members.JoinAsync(room, wanted.UserId, wanted.Reason, cancellation, wanted.More);
        if (joined.Refusal is not { Kind: RefusalKind.UnableToAuthoriseJoin or RefusalKind.UnableToGrantJoin } unable)
        {
            return joined;
        }

        return wanted.Residents.Count == 0 || IsGuest(wanted.UserId)
            ? Refusal.Forbidden(unable.Message)
            : await JoinByOthersAsync(room, wanted).WaitAsync(cancellation);
    }

    private async Task<Outcome<string>> JoinByOthersAsync(Room room, WantedEntry wanted)
    {
        using var limit = new CancellationTokenSource(_timeOfAll, engine.Time);
        var failures = new HandshakeFailures();
        try
        {
            foreach (var resident in wanted.Residents)
            {
                using var memory = _memory.Begin();
                if (await SendJoinAsync(resident, wanted, "?omit_members=true", memory, failures, limit.Token) is not var (join, answer))
                {
                    continue;
                }

                var signed = ToldRoom.Countersigned(answer, join);
                var lookup = await keys.PrepareAsync(NeededKey.Of(signed), limit.Token);
                if (ReceivedEvent.Of(signed, lookup) is not { Event: not null, HashMatches: true })
                {
                    failures.Add(resident, "the join has not the signatures by which it could be allowed");
                    continue;
                }

                var reception = (await engine.ReceiveAsync(room, [signed], limit.Token))[0];
                if (reception.Outcome == ReceiptOutcome.Accepted)
                {
                    await members.JoinedAsync(room, wanted.UserId);
                    return signed.EventId;
                }

                failures.Add(resident, reception.Refusal ?? "the join follows events that are not here yet");
            }

            return failures.Told("No server is known that could let you in");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return new Refusal(RefusalKind.NoAnswer, "No server that is in the room answered in time");
        }
    }

    private async Task<Outcome<string>> EnterInTurnAsync(WantedEntry wanted)
    {
        using var limit = new CancellationTokenSource(_timeOfAll, engine.Time);
        try
        {
            var endTurn = await _turns.TakeAsync(wanted.RoomId, limit.Token);
            try
            {
                return engine.FindInside(wanted.RoomId) is { } room
                    ? await JoinInsideAsync(room, wanted, limit.Token)
                    : await EnterAsync(wanted, limit.Token);
            }
            finally
            {
                endTurn();
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return new Refusal(RefusalKind.NoAnswer, "No server that is in the room answered in time");
        }
    }

    private async Task<Outcome<string>> EnterAsync(WantedEntry wanted, CancellationToken cancellation)
    {
        // Whether the room lets guests in is known when they are in.
        var isGuest = IsGuest(wanted.UserId);
        if (isGuest && MembershipOf(wanted) != Membership.Invite)
        {
            return new Refusal(RefusalKind.GuestAccessForbidden, "Guests may join no rooms of other servers but those that they are invited to");
        }

        var failures = new HandshakeFailures();
        foreach (var resident in wanted.Residents)
        {
            if (await EnterByAsync(resident, wanted, failures, cancellation) is var (room, join))
            {
                if (isGuest)
                {
                    await GuestAccess.RemoveAsync(engine, room, wanted.UserId, cancellation);
                    if (MembershipOf(wanted) != Membership.Join)
                    {
                        return new Refusal(RefusalKind.GuestAccessForbidden, "Guests may not join the room");
                    }
                }

                await members.JoinedAsync(room, wanted.UserId);
                await WaitForMembersAsync(room);
                return join.EventId;
            }

            if (failures.IsFinal)
            {
                break;
            }
        }

        return failures.Told("No server is known that is in the room");
    }

    /// <summary>The members of most rooms are here in a moment; then who joined is told of a room that is whole.</summary>
    private async Task WaitForMembersAsync(Room room)
    {
        using var late = new CancellationTokenSource(_waitForMembers, engine.Time);
        try
        {
            await engine.WaitWholeAsync(room, late.Token);
        }
        catch (OperationCanceledException)
        {
            // A large room: it is used meanwhile.
        }
    }

    private async Task<(Room Room, Pdu Join)?> EnterByAsync(
        string resident, WantedEntry wanted, HandshakeFailures failures, CancellationToken cancellation)
    {
        using var memory = _memory.Begin();
        if (await SendJoinAsync(resident, wanted, "?omit_members=true", memory, failures, cancellation) is not var (join, answer))
        {
            return null;
        }

        try
        {
            var told = await ToldRoom.CheckAsync(answer, join, keys, cancellation);
            string[]? servers = told.IsPartial ? [.. answer.Servers.Where(name => name != engine.Server.Name).Prepend(resident).Distinct()] : null;
            var (room, refusal) = await engine.EnterAsync(told.Join, told.State, told.Others, servers);
            if (room is not null)
            {
                if (told.IsPartial)
                {
                    completion.Begin(room);
                }

                return (room, told.Join);
            }

            failures.Add(resident, refusal!.Message);
        }
        catch (MalformedAnswerException exception)
        {
            failures.Add(resident, exception.Message);
        }

        return null;
    }

    /// <summary>Has a resident take a join.</summary>
    /// <returns>The join as it was sent, and what the resident told; null if it did not take it.</returns>
    private async Task<(Pdu Join, SendJoinAnswer Answer)?> SendJoinAsync(
        string resident, WantedEntry wanted, string query, ToldMemory.Part memory, HandshakeFailures failures, CancellationToken cancellation)
    {
        var made = await _handshake.MakeAsync(
            resident, "join", wanted.RoomId, wanted.UserId, (proposed, version) => Content(wanted, proposed, version), failures, cancellation);
        if (made is null)
        {
            return null;
        }

        try
        {
            using var newer = await client.OpenAsync(Request("v2/send_join", query), cancellation);

            // Servers of before MSC1802 know its first version only.
            using var older = newer.Failure is { IsNotFound: true } ? await client.OpenAsync(Request("v1/send_join", ""), cancellation) : null;
            var stream = older is null or { Failure.IsNotFound: true } ? newer : older;
            if (stream.Failure is { } failure)
            {
                failures.Add(failure);
                return null;
            }

            return (made, await SendJoinAnswer.ReadAsync(stream.Body, made.Version, memory, cancellation));
        }
        catch (Exception exception) when (exception is MalformedAnswerException or OutboundException)
        {
            failures.Add(resident, exception.Message);
            return null;
        }

        FederationRequest Request(string endpoint, string query) => RoomHandshake.Sending(resident, endpoint, made, query) with
        {
            MaxBytes = SendJoinAnswer.MaxBytes, Timeout = _timeOfAnswer,
        };
    }

    private Membership? MembershipOf(WantedEntry wanted)
    {
        using var db = engine.Database.OpenSnapshot();
        return RoomTable.Find(db, wanted.RoomId) is { } row && UserTable.Find(db, wanted.UserId) is { } user
            ? MembershipTable.Find(db, row.Nid, user)?.Membership
            : null;
    }

    private bool IsGuest(string userId)
    {
        using var db = engine.Database.OpenSnapshot();
        return AccountTable.Find(db, userId) is { Standing.Guest: true };
    }

    private JsonElement Content(WantedEntry wanted, JsonElement proposed, RoomVersion version) => members.ContentOf(
        "join",
        wanted.UserId,
        wanted.Reason,
        version.RestrictedJoins ? JsonContent.Text(proposed, "join_authorised_via_users_server") : null,
        wanted.More);
}
