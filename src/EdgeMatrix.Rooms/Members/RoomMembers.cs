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
public sealed class RoomMembers(RoomEngine engine)
{
    // Whose value is the server's to give, or has a meaning for others.
    private static readonly string[] _ownOfMembers =
    [
        "avatar_url", "displayname", "is_direct", "join_authorised_via_users_server", "membership", "reason", "third_party_invite", "third_party_signed",
    ];

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

            return AuthorisingUser(room, state, userId) switch
            {
                { Refusal: { } refusal } => refusal,
                { Value: { Length: > 0 } authorising } => Draft("join", userId, userId, reason, json =>
                {
                    json.WriteString("join_authorised_via_users_server", authorising);
                    WriteMore(json);
                }),
                _ => Draft("join", userId, userId, reason, WriteMore),
            };
        }, cancellationToken);
        if (outcome.Value is { Length: > 0 })
        {
            await UpgradedRoomSettings.CarryOverAsync(engine, room, userId);
        }

        return outcome;

        void WriteMore(Utf8JsonWriter json)
        {
            var properties = more?.EnumerateObject().Where(property => !_ownOfMembers.Contains(property.Name)).DistinctBy(property => property.Name);
            foreach (var property in properties ?? [])
            {
                property.WriteTo(json);
            }
        }
    }

    public Task<Outcome<string>> KnockAsync(Room room, string userId, string? reason, CancellationToken cancellationToken) =>
        SendAsync(room, userId, userId, state =>
            MembershipIn(state, userId) == Membership.Knock ? Unchanged : Draft("knock", userId, userId, reason, null), cancellationToken);

    public Task<Outcome<string>> InviteAsync(Room room, string sender, string target, string? reason, CancellationToken cancellationToken) =>
        SendAsync(room, sender, target, state => MembershipIn(state, target) switch
        {
            Membership.Join => Refusal.Forbidden($"{target} is already in the room"),
            Membership.Ban => Refusal.Forbidden($"{target} is banned from the room"),
            _ when InvitePermission.Check(engine.Database, target) is { } blocked => blocked,
            _ => Draft("invite", sender, target, reason, null),
        }, cancellationToken);

    /// <summary>Leaves a room, rejects an invite or takes back a knock.</summary>
    public Task<Outcome<string>> LeaveAsync(Room room, string userId, string? reason, CancellationToken cancellationToken) =>
        SendAsync(room, userId, userId, state => MembershipIn(state, userId) switch
        {
            null => Refusal.Forbidden("You are not in the room"),
            Membership.Leave => Unchanged,
            _ => Draft("leave", userId, userId, reason, null),
        }, cancellationToken);

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

    private async Task<Outcome<string>> SendAsync(
        Room room, string sender, string target, Func<StateLookup, Outcome<EventDraft>> draft, CancellationToken cancellationToken)
    {
        if (Protocol.Identifiers.UserId.TryParse(target, out _) is false || Protocol.Identifiers.UserId.TryParse(sender, out _) is false)
        {
            return Refusal.InvalidParam($"{target} is not a user ID");
        }

        // Whoever is not in the room and acts on others learns nothing of them.
        return await engine.SendAsync(
            room,
            state => sender != target && MembershipIn(state, sender) != Membership.Join ? Refusal.Forbidden("You are not in the room") : draft(state),
            null,
            cancellationToken);
    }

    private Outcome<EventDraft> Draft(string membership, string sender, string target, string? reason, Action<Utf8JsonWriter>? more) =>
        new EventDraft("m.room.member", target, sender, membership is "leave" or "ban"
            ? MemberContent.Bare(membership, reason)
            : MemberContent.Of(engine.Database, membership, target, reason, more));

    private static Membership? MembershipIn(StateLookup state, string userId) =>
        state("m.room.member", userId) is { } member ? Memberships.Of(member) : null;

    /// <summary>For a restricted room: a joined user of this server who may invite; empty where none is needed.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms</remarks>
    private Outcome<string> AuthorisingUser(Room room, StateLookup state, string userId)
    {
        var joinRules = state("m.room.join_rules", "");
        var rule = joinRules is null ? null : JsonContent.Text(joinRules.Content, "join_rule");
        if (rule is not ("restricted" or "knock_restricted") || MembershipIn(state, userId) == Membership.Invite)
        {
            return "";
        }

        if (!MeetsCondition(joinRules!, userId))
        {
            return Refusal.Forbidden("You are not in any of the rooms whose members may join this one");
        }

        var create = state("m.room.create", "")!;
        var powerLevels = PowerLevels.From(room.Version, state("m.room.power_levels", ""), create);
        foreach (var candidate in NamesOf(room.LocalMembers()))
        {
            if (powerLevels.ForUser(candidate) >= powerLevels.Invite
                && MembershipIn(state, candidate) == Membership.Join)
            {
                return candidate;
            }
        }

        return Refusal.Forbidden("Nobody on this server may invite you to the room");
    }

    private List<string> NamesOf(IEnumerable<long> users)
    {
        using var snapshot = engine.Database.OpenSnapshot();
        return [.. users.Select(user => UserTable.Name(snapshot, user)).OfType<string>()];
    }

    private bool MeetsCondition(Pdu joinRules, string userId)
    {
        if (!joinRules.Content.TryGetProperty("allow", out var allow) || allow.ValueKind != JsonValueKind.Array)
        {
            return false;
        }

        using var snapshot = engine.Database.OpenSnapshot();
        return UserTable.Find(snapshot, userId) is { } user && allow.EnumerateArray().Any(condition =>
            JsonContent.Text(condition, "type") == "m.room_membership"
            && JsonContent.Text(condition, "room_id") is { } roomId
            && RoomTable.Find(snapshot, roomId) is { } other
            && MembershipTable.Find(snapshot, other.Nid, user)?.Membership == Membership.Join);
    }
}
