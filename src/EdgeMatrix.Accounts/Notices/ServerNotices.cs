using System.Text.Json;
using EdgeMatrix.Accounts.Profiles;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.Notices;

/// <param name="Localpart">Of the user who sends the notices; null: there are none.</param>
/// <param name="Name">The display name of that user.</param>
/// <param name="RoomName">The name of the rooms.</param>
public sealed record NoticesOptions(string? Localpart, string Name, string RoomName);

/// <summary>Messages from the server to its users: to each in one room, into which the user is invited and which is tagged.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#server-notices</remarks>
public sealed class ServerNotices(
    NoticesOptions options, RoomEngine engine, UserAccounts accounts, UserProfiles profiles, RoomCreation creation, RoomMembers members, RoomTags tags)
    : IDisposable
{
    private const string Tag = "m.server_notice";

    // Of two notices at once the second finds the room that the first has made.
    private readonly SemaphoreSlim _gate = new(1, 1);

    public bool Enabled => options.Localpart is not null;

    /// <summary>Whether the name is that of the user who sends the notices, and so nobody else's.</summary>
    public bool IsReserved(string username) => options.Localpart is { } localpart && accounts.UserIdOf(username) == accounts.UserIdOf(localpart);

    /// <summary>Sends a notice, where need be into a new room.</summary>
    /// <param name="stateKey">Null for a message.</param>
    /// <returns>The id of the event, or why there is none.</returns>
    public async Task<Outcome<string>> SendAsync(
        AccountRow user, string type, string? stateKey, JsonElement content, TransactionId? transaction, CancellationToken cancellationToken)
    {
        var (sender, noSender) = await SenderAsync(cancellationToken);
        if (sender is null)
        {
            return noSender!;
        }

        var (room, noRoom) = await RoomAsync(sender, user, cancellationToken);
        return room is null
            ? noRoom!
            : await engine.SendAsync(room, new EventDraft(type, stateKey, sender.UserId, content), transaction, cancellationToken);
    }

    /// <summary>"Attempting to reject the invite must result in a M_CANNOT_LEAVE_SERVER_NOTICE_ROOM error."</summary>
    /// <param name="user">Nid of the user who would leave.</param>
    public Refusal? RefuseLeaving(Room room, long user)
    {
        if (options.Localpart is not { } localpart)
        {
            return null;
        }

        using var db = engine.Database.OpenSnapshot();
        return MembershipTable.Find(db, room.Nid, user) is { Membership: Membership.Invite } row
            && EventTable.Find(db, row.Event)?.Parse(room.Version).Sender == accounts.UserIdOf(localpart)
                ? new Refusal(RefusalKind.CannotLeaveServerNoticeRoom, "This is the room of the server's notices: it can be left once it is joined")
                : null;
    }

    public void Dispose() => _gate.Dispose();

    private async Task<Outcome<AccountRow>> SenderAsync(CancellationToken cancellationToken)
    {
        if (options.Localpart is not { } localpart)
        {
            return new Refusal(RefusalKind.Unknown, "Server notices are not enabled: notices.localpart is not set");
        }

        var sender = accounts.Find(localpart)
            ?? (await accounts.AddAsync(localpart, password: null, admin: false, cancellationToken)).Account
            ?? accounts.Find(localpart)!;
        if (sender.Password is not null || sender.IsDeactivated)
        {
            return new Refusal(RefusalKind.Unknown, $"{sender.UserId} is somebody's account: set notices.localpart to another name");
        }

        var name = JsonContent.Of("displayname", options.Name).GetProperty("displayname");
        await profiles.SetAsync(sender.User, sender.UserId, "displayname", name, cancellationToken);
        return sender;
    }

    /// <summary>The room in which the user gets notices: "Servers should manage exactly 1 server notices room per user."</summary>
    private async Task<Outcome<Room>> RoomAsync(AccountRow sender, AccountRow user, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (Find(sender.User, user.User) is var (known, membership))
            {
                // Who has left is asked in again.
                return membership is Membership.Join or Membership.Invite
                    || (await members.InviteAsync(known, sender.UserId, user.UserId, reason: null, cancellationToken)).Refusal is not { } uninvited
                        ? known
                        : uninvited;
            }

            var made = await creation.CreateAsync(sender.UserId, new CreateRoomRequest
            {
                Preset = "private_chat",
                Name = options.RoomName,
                Invite = [user.UserId],
                PowerLevelContentOverride = JsonContent.Object(json => json.WriteNumber("users_default", -10)),
            });
            if (made.Value is { } room)
            {
                await tags.SetAsync(user.User, room.Nid, Tag, JsonContent.Object(_ => { }));
            }

            return made;
        }
        finally
        {
            _gate.Release();
        }
    }

    private (Room Room, Membership Membership)? Find(long sender, long user)
    {
        string? roomId;
        MembershipRow row;
        using (var db = engine.Database.OpenSnapshot())
        {
            // The best there is: the smaller the number, the nearer the user is to the room.
            (_, row) = MembershipTable.OfBoth(db, sender, user).Where(both => both.One.Membership == Membership.Join && both.Other.Membership != Membership.Ban)
                .OrderBy(both => both.Other.Membership).FirstOrDefault();
            roomId = row == default ? null : RoomTable.Find(db, row.Room)?.RoomId;
        }

        return roomId is not null && engine.Find(roomId) is { } room ? (room, row.Membership) : null;
    }
}
