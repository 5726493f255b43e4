using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Members;

/// <summary>The ways in and out of a room: join, knock, invite, leave, kick, ban, unban, forget.</summary>
/// <remarks>
/// The auth rules decide what may be; here stands only what they leave open. A request for what already is succeeds
/// without an event. Spec: https://spec.matrix.org/v1.19/client-server-api/#room-membership
/// </remarks>
public sealed class RoomMembers(RoomEngine engine, RestrictedJoins restricted)
{
    // Whose value is the server's to give, or has a meaning for others.
    private static readonly string[] _ownOfMembers =
    [
        "avatar_url", "displayname", "is_direct", "join_authorised_via_users_server", "membership", "reason", "third_party_invite", "third_party_signed",
    ];

    /// <summary>Has the server of an invited user sign the invite; null where this server talks to no others.</summary>
    public Func<Room, Pdu, CancellationToken, Task<Outcome<Pdu>>>? SignInvite { get; init; }

    /// <summary>
    /// Makes the event by which a user leaves a room that this server is not in, and has a server that is in it take it, if one does; null where
    /// this server talks to no others.
    /// </summary>
    public Func<Room, string, string?, CancellationToken, Task<Outcome<Pdu>>>? LeaveFromOutside { get; init; }

    /// <param name="more">An object whose further properties the member event is to have; a client could give it them by an event of state as well.</param>
    public async Task<Outcome<string>> JoinAsync(
        Room room, string userId, string? reason, CancellationToken cancellationToken, JsonElement? more = null)
    {
        var outcome = await SendAsync(room, userId, userId, state =>
        {
            if (MembershipIn(state, userId) == Membership.Join)
            {
                return Unchanged;
            }

            return restricted.AuthorisingUser(room, state, userId) switch
            {
                { Refusal: { } refusal } => refusal,
                { Value: var authorising } => new EventDraft("m.room.member", userId, userId, ContentOf("join", userId, reason, authorising, more)),
            };
        }, cancellationToken);
        if (outcome.Value is { Length: > 0 })
        {
            await JoinedAsync(room, userId);
        }

        return outcome;
    }

    /// <summary>What follows when a user of this server has come into a room.</summary>
    public Task JoinedAsync(Room room, string userId) => UpgradedRoomSettings.CarryOverAsync(engine, room, userId);

    /// <summary>What a member event says of a user, with their profile. Not for whoever holds a snapshot: it takes one of its own.</summary>
    /// <param name="authoriser">By whom the user is let into a restricted room; null or empty where nobody has to.</param>
    /// <param name="more">As of <see cref="JoinAsync"/>.</param>
    public JsonElement ContentOf(string membership, string userId, string? reason, string? authoriser = null, JsonElement? more = null) =>
        MemberContent.Of(engine.Database, membership, userId, reason, json =>
        {
            if (!string.IsNullOrEmpty(authoriser))
            {
                json.WriteString("join_authorised_via_users_server", authoriser);
            }

            var properties = more?.EnumerateObject().Where(property => !_ownOfMembers.Contains(property.Name)).DistinctBy(property => property.Name);
            foreach (var property in properties ?? [])
            {
                property.WriteTo(json);
            }
        });

    public Task<Outcome<string>> KnockAsync(Room room, string userId, string? reason, CancellationToken cancellationToken) =>
        SendAsync(room, userId, userId, state =>
            MembershipIn(state, userId) == Membership.Knock ? Unchanged : Draft("knock", userId, userId, reason, null), cancellationToken);

    /// <summary>Invites a user; one of another server, once that server agrees.</summary>
    public Task<Outcome<string>> InviteAsync(
        Room room, string sender, string target, string? reason, CancellationToken cancellationToken, bool isDirect = false)
    {
        return MustBeSigned(target) ? SendAsync(room, sender, target, Draft, SendSignedAsync, cancellationToken)
            : SendAsync(room, sender, target, Draft, cancellationToken);

        Outcome<EventDraft> Draft(StateLookup state) => MembershipIn(state, target) switch
        {
            Membership.Join => Refusal.Forbidden($"{target} is already in the room"),
            Membership.Ban => Refusal.Forbidden($"{target} is banned from the room"),
            _ when InvitePermission.Check(engine.Database, target) is { } blocked => blocked,
            _ => this.Draft("invite", sender, target, reason, isDirect ? json => json.WriteBoolean("is_direct", true) : null),
        };
    }

    /// <summary>Whether a user's server is asked before the user is invited.</summary>
    public bool MustBeSigned(string target) => SignInvite is not null && !engine.Server.Owns(target);

    /// <summary>Sends an invite of a user of another server that somebody drafted, once that server agrees.</summary>
    /// <exception cref="InvalidOperationException">This server talks to no others: see <see cref="MustBeSigned"/>.</exception>
    public Task<Outcome<string>> InviteAsync(Room room, Func<StateLookup, Outcome<EventDraft>> invite, CancellationToken cancellationToken) =>
        SendSignedAsync(room, invite, cancellationToken);

    /// <summary>Leaves a room, rejects an invite or takes back a knock.</summary>
    public async Task<Outcome<string>> LeaveAsync(Room room, string userId, string? reason, CancellationToken cancellationToken)
    {
        if (LeaveFromOutside is not null && engine.FindInside(room.Id) is null && MembershipOf(room, userId) is { } membership)
        {
            if (membership is Membership.Leave or Membership.Ban)
            {
                return "";
            }

            var (leave, refusal) = await LeaveFromOutside(room, userId, reason, cancellationToken);
            refusal ??= await engine.NoteOutsideAsync(leave!, told: null);
            return refusal is not null ? refusal : leave!.EventId;
        }

        return await SendAsync(room, userId, userId, state => MembershipIn(state, userId) switch
        {
            null => Refusal.Forbidden("You are not in the room"),
            Membership.Leave => Unchanged,
            _ => Draft("leave", userId, userId, reason, null),
        }, cancellationToken);
    }

    /// <summary>Takes an event by which a server that is in a room ends an invite or a knock of a user of this one, which is not.</summary>
    /// <param name="member">It passed the checks that need no room.</param>
    /// <returns>Whether it was such an event: it is about what the user is in the room now, and of the server that the invite was of.</returns>
    public async Task<bool> EndFromOutsideAsync(Pdu member)
    {
        return member is { Type: "m.room.member", StateKey: { } userId }
            && engine.Server.Owns(userId)
            && Memberships.Of(member) is Membership.Leave or Membership.Ban
            && engine.FindInside(member.RoomId) is null
            && engine.Find(member.RoomId) is { } room
            && room.Version == member.Version
            && IsEnd()
            && await engine.NoteOutsideAsync(member, told: null) is null;

        // An invite may be ended by those who could have made it, which only the room knows; that it is of their server has to do.
        bool IsEnd()
        {
            using var db = engine.Database.OpenSnapshot();
            return UserTable.Find(db, userId) is { } user
                && MembershipTable.Find(db, room.Nid, user) is { Membership: Membership.Invite or Membership.Knock } row
                && EventTable.Find(db, row.Event)?.Parse(room.Version) is { } ended
                && member.AuthEvents.Contains(ended.EventId)
                && (row.Membership == Membership.Knock || ServerOf(ended.Sender) == ServerOf(member.Sender));
        }

        static string ServerOf(string user) => user[(user.IndexOf(':') + 1)..];
    }

    public Task<Outcome<string>> KickAsync(Room room, string sender, string target, string? reason, CancellationToken cancellationToken) =>
        SendAsync(room, sender, target, state => MembershipIn(state, target) switch
        {
            Membership.Join or Membership.Invite or Membership.Knock => Draft("leave", sender, target, reason, null),
            _ => Refusal.Forbidden($"{target} is not in the room"),
        }, cancellationToken);

    public Task<Outcome<string>> BanAsync(Room room, string sender, string target, string? reason, CancellationToken cancellationToken) =>
        SendAsync(room, sender, target, state =>
            MembershipIn(state, target) == Membership.Ban ? Unchanged : Draft("ban", sender, target, reason, null), cancellationToken);

    public Task<Outcome<string>> UnbanAsync(Room room, string sender, string target, string? reason, CancellationToken cancellationToken) =>
        SendAsync(room, sender, target, state => MembershipIn(state, target) == Membership.Ban
            ? Draft("leave", sender, target, reason, null)
            : Refusal.Forbidden($"{target} is not banned"), cancellationToken);

    /// <summary>Stops showing a room that the user has left.</summary>
    /// <returns>Null, or why it cannot be forgotten.</returns>
    public async Task<Refusal?> ForgetAsync(Room room, long user)
    {
        return await engine.Database.WriteAsync(db =>
        {
            switch (MembershipTable.Find(db, room.Nid, user)?.Membership)
            {
                case Membership.Leave or Membership.Ban:
                    MembershipTable.Forget(db, room.Nid, user);
                    PurgedRoomTable.NoteForgotten(db, room.Nid, engine.Time.GetUtcNow().ToUnixTimeMilliseconds());
                    return null;
                case null:
                    return Refusal.Forbidden("You were never in the room");
                default:
                    return new Refusal(RefusalKind.Unknown, "Leave the room before you forget it");
            }
        });
    }

    /// <summary>Sends the user's member event again in every joined room, as its display name or avatar changed.</summary>
    public async Task ProfileChangedAsync(long user, string userId, CancellationToken cancellationToken)
    {
        List<string> rooms;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            rooms = [.. MembershipTable.OfUser(snapshot, user, Membership.Join)
                .Select(row => RoomTable.Find(snapshot, row.Room)!.RoomId)];
        }

        foreach (var id in rooms)
        {
            if (engine.Find(id) is { } room)
            {
                await SendAsync(room, userId, userId, state =>
                    MembershipIn(state, userId) == Membership.Join ? Draft("join", userId, userId, null, null) : Unchanged, cancellationToken);
            }
        }
    }

    // No draft and no refusal: things are already as they were asked to be.
    private static Outcome<EventDraft> Unchanged => default;

    private Membership? MembershipOf(Room room, string userId)
    {
        using var db = engine.Database.OpenSnapshot();
        return UserTable.Find(db, userId) is { } user ? MembershipTable.Find(db, room.Nid, user)?.Membership : null;
    }

    /// <summary>Sends an event that another server has to sign first, which takes its time: the room does not wait for it.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room</remarks>
    private async Task<Outcome<string>> SendSignedAsync(
        Room room, Func<StateLookup, Outcome<EventDraft>> draft, CancellationToken cancellationToken)
    {
        var sign = SignInvite ?? throw new InvalidOperationException("This server talks to no others");
        var (invite, refusal) = await engine.BuildAsync(room, draft, cancellationToken);
        if (refusal is not null)
        {
            return refusal;
        }

        var (signed, refused) = await sign(room, invite!, cancellationToken);
        if (refused is not null)
        {
            return refused;
        }

        // What the other server has agreed to is done, whether or not somebody still waits for it.
        var reception = (await engine.ReceiveAsync(room, [signed!], CancellationToken.None, outgoing: true))[0];
        return reception.Outcome == ReceiptOutcome.Accepted
            ? signed!.EventId
            : Refusal.Forbidden(reception.Refusal ?? "The room has changed meanwhile");
    }

    private Task<Outcome<string>> SendAsync(
        Room room, string sender, string target, Func<StateLookup, Outcome<EventDraft>> draft, CancellationToken cancellationToken) =>
        SendAsync(room, sender, target, draft, (to, made, cancellation) => engine.SendAsync(to, made, null, cancellation), cancellationToken);

    private async Task<Outcome<string>> SendAsync(
        Room room,
        string sender,
        string target,
        Func<StateLookup, Outcome<EventDraft>> draft,
        Func<Room, Func<StateLookup, Outcome<EventDraft>>, CancellationToken, Task<Outcome<string>>> send,
        CancellationToken cancellationToken)
    {
        if (Protocol.Identifiers.UserId.TryParse(target, out _) is false || Protocol.Identifiers.UserId.TryParse(sender, out _) is false)
        {
            return Refusal.InvalidParam($"{target} is not a user ID");
        }

        // What others are may not be known yet, where this server has come into the room a moment ago.
        if (sender != target && !await engine.WaitWholeAsync(room, cancellationToken))
        {
            return new Refusal(RefusalKind.NoAnswer, "This server does not know yet who is in the room: try again later");
        }

        // Whoever is not in the room and acts on others learns nothing of them.
        return await send(
            room,
            state => sender != target && MembershipIn(state, sender) != Membership.Join ? Refusal.Forbidden("You are not in the room") : draft(state),
            cancellationToken);
    }

    private Outcome<EventDraft> Draft(string membership, string sender, string target, string? reason, Action<Utf8JsonWriter>? more) =>
        new EventDraft("m.room.member", target, sender, membership is "leave" or "ban"
            ? MemberContent.Bare(membership, reason)
            : MemberContent.Of(engine.Database, membership, target, reason, more));

    private static Membership? MembershipIn(StateLookup state, string userId) =>
        state("m.room.member", userId) is { } member ? Memberships.Of(member) : null;
}
