using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.Deactivation;

/// <summary>Gives accounts up for good. Their names are not given again.</summary>
/// <remarks>
/// In order: 1. one write takes the password, every device with its tokens, and what only the user's clients had use for; with
/// <c>erase</c> also the profile, account data and receipts, and from then on later comers see the user's events redacted.
/// 2. The user leaves all rooms, turns down invites and takes back knocks. What a power cut leaves of the second, upkeep does.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
/// </remarks>
public sealed class AccountDeactivation(RoomEngine engine, RoomMembers members, Logins logins)
{
    private static readonly Membership[] _toLeave = [Membership.Join, Membership.Invite, Membership.Knock];

    /// <param name="user">Nid of the user.</param>
    public async Task DeactivateAsync(long user, bool erase)
    {
        var now = engine.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await engine.Database.WriteAsync(db =>
        {
            if (AccountTable.Find(db, user) is not { } account)
            {
                return;
            }

            if (!account.IsDeactivated)
            {
                AccountTable.Deactivate(db, user, now);
                logins.LogOutAll(db, user, except: null);
                AccountLeftovers.Delete(db, user);
                DeviceLists.Changed(db, engine.Notifier, user, DeviceLists.CrossSigning);
            }

            if (erase)
            {
                AccountLeftovers.Erase(db, user);
                engine.Erasures.Add(db, user);
            }
        });
        await LeaveRoomsAsync(user, CancellationToken.None);
    }

    /// <summary>Takes one more user out of their rooms.</summary>
    /// <returns>Whether there may be more.</returns>
    public async Task<bool> SliceAsync(CancellationToken cancellationToken)
    {
        long? user;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            user = AccountTable.FirstParting(snapshot);
        }

        if (user is null || cancellationToken.IsCancellationRequested)
        {
            return false;
        }

        await LeaveRoomsAsync(user.Value, cancellationToken);
        return true;
    }

    private async Task LeaveRoomsAsync(long user, CancellationToken cancellationToken)
    {
        List<string> rooms;
        string? userId;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            userId = UserTable.Name(snapshot, user);
            rooms = [.. _toLeave.SelectMany(membership => MembershipTable.OfUser(snapshot, user, membership))
                .Select(row => RoomTable.Find(snapshot, row.Room)?.RoomId).OfType<string>()];
        }

        foreach (var roomId in rooms)
        {
            if (engine.Find(roomId) is { } room)
            {
                // One who may not leave is out already.
                await members.LeaveAsync(room, userId!, reason: null, cancellationToken);
            }
        }

        await engine.Database.WriteAsync(db => AccountTable.Parted(db, user));
    }
}
