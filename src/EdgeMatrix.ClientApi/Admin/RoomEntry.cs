using System.Text.Json;
using EdgeMatrix.Accounts;
using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Bringing users of this server into rooms, and to power in them.</summary>
internal static class RoomEntry
{
    private const string PowerLevelsType = "m.room.power_levels";

    /// <summary><c>POST /_synapse/admin/v1/join/{roomIdOrAlias}</c>: a room that is not open to all the administrator must be in, and may invite to.</summary>
    /// <remarks>https://element-hq.github.io/synapse/latest/admin_api/room_membership.html</remarks>
    public static async Task<IResult> Join(
        string roomIdOrAlias, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members, UserAccounts accounts)
    {
        var (given, badBody) = await request.ReadObjectAsync();
        if (badBody is not null)
        {
            return badBody;
        }

        var body = new AdminBody(given);
        var userId = body.Text("user_id");
        if ((body.Error ?? (userId is null ? MatrixError.MissingParam("user_id") : null)) is { } wrong)
        {
            return wrong;
        }

        if (userId is not ['@', ..] || accounts.Find(userId) is not { IsDeactivated: false })
        {
            return MatrixError.NotFound("No such user has an account here");
        }

        if (RoomMembership.Resolve(engine, roomIdOrAlias) is not { } room)
        {
            return RoomAdmin.NotFound();
        }

        if (RoomMembership.IsBlocked(engine, room.Id))
        {
            return MatrixError.Forbidden("The administrators of this server have blocked the room");
        }

        var cancellation = request.HttpContext.RequestAborted;
        if (NeedsInvite(engine, room, userId)
            && (await members.InviteAsync(room, requester.UserId, userId, reason: null, cancellation)).Refusal is { } uninvited)
        {
            return MatrixError.From(uninvited);
        }

        var (_, refusal) = await members.JoinAsync(room, userId, reason: null, cancellation);
        return refusal is not null ? MatrixError.From(refusal) : RoomMembership.RoomId(room.Id);
    }

    /// <summary>
    /// <c>POST /_synapse/admin/v1/rooms/{roomIdOrAlias}/make_room_admin</c>: gives a user the power of the mightiest user of this server in the room,
    /// and invites the user where that is needed.
    /// </summary>
    /// <remarks>https://element-hq.github.io/synapse/latest/admin_api/rooms.html#make-room-admin-api</remarks>
    public static async Task<IResult> MakeAdmin(string roomIdOrAlias, HttpRequest request, Requester requester, RoomEngine engine, RoomMembers members)
    {
        var (given, badBody) = await request.ReadObjectOrEmptyAsync();
        if (badBody is not null)
        {
            return badBody;
        }

        var body = new AdminBody(given);
        var userId = body.Text("user_id") ?? requester.UserId;
        if (body.Error is not null)
        {
            return body.Error;
        }

        if (!Protocol.Identifiers.UserId.TryParse(userId, out _))
        {
            return MatrixError.InvalidParam("user_id is not a user ID");
        }

        if (RoomMembership.Resolve(engine, roomIdOrAlias) is not { } room)
        {
            return RoomAdmin.NotFound();
        }

        var locals = LocalMembers(engine, room);
        string? mightiest = null;
        var cancellation = request.HttpContext.RequestAborted;
        var raised = await engine.SendAsync(room, state => Raise(room, state, locals, userId, out mightiest), null, cancellation);
        if (raised.Refusal is { } refusal)
        {
            return MatrixError.From(refusal);
        }

        if (mightiest != userId && NeedsInvite(engine, room, userId)
            && (await members.InviteAsync(room, mightiest!, userId, reason: null, cancellation)).Refusal is { } uninvited)
        {
            return MatrixError.From(uninvited);
        }

        return JsonText.Empty;
    }

    /// <summary>The power levels with the user as high as the mightiest of the locals; nothing to send where the user is that high already.</summary>
    private static Outcome<EventDraft> Raise(Room room, StateLookup state, List<string> locals, string userId, out string? mightiest)
    {
        var current = state(PowerLevelsType, "");
        var levels = PowerLevels.From(room.Version, current, state("m.room.create", "")!);
        var needed = levels.RequiredFor(PowerLevelsType, isState: true);
        var giver = mightiest = locals.MaxBy(levels.ForUser);
        var level = giver is null ? long.MinValue : levels.ForUser(giver);
        if (giver is null || level < needed)
        {
            return new Refusal(RefusalKind.Unknown, "No user of this server in the room may change its power levels");
        }

        // A creator's power is without bound and cannot be given: what counts is to reach whatever asks for power.
        var given = level == long.MaxValue ? Math.Max(100, needed) : level;
        if (levels.ForUser(userId) >= given)
        {
            return default;
        }

        return new EventDraft(PowerLevelsType, "", giver, JsonContent.Object(json =>
        {
            if (current is not null)
            {
                foreach (var property in current.Content.EnumerateObject().Where(property => property.Name != "users"))
                {
                    property.WriteTo(json);
                }
            }

            json.WriteStartObject("users");
            if (current is not null && current.Content.TryGetProperty("users", out var users) && users.ValueKind == JsonValueKind.Object)
            {
                foreach (var user in users.EnumerateObject().Where(user => user.Name != userId))
                {
                    user.WriteTo(json);
                }
            }
            else if (current is null)
            {
                json.WriteNumber(giver, level);
            }

            json.WriteNumber(userId, given);
            json.WriteEndObject();
        }));
    }

    public static List<string> LocalMembers(RoomEngine engine, Room room)
    {
        using var db = engine.Database.OpenSnapshot();
        return [.. room.LocalMembers().Select(user => UserTable.Name(db, user)).OfType<string>()];
    }

    /// <summary>Whether the user is outside a room that is not open to all, and was not invited.</summary>
    private static bool NeedsInvite(RoomEngine engine, Room room, string userId)
    {
        using var db = engine.Database.OpenSnapshot();
        var row = RoomTable.Find(db, room.Id);
        var rules = row is null ? null : RoomStateReader.Find(db, room.Version, row.State, "m.room.join_rules", "");
        return !(rules is not null && JsonContent.Text(rules.Content, "join_rule") == "public")
            && !(UserTable.Find(db, userId) is { } user
                && MembershipTable.Find(db, room.Nid, user)?.Membership is Membership.Join or Membership.Invite);
    }
}
