using EdgeMatrix.Accounts.Deactivation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Accounts.Guests;

/// <summary>Gives up the accounts of guests who were not there for long, and takes the others out of rooms that let no guests in.</summary>
/// <remarks>
/// The second is done at once where a room changes; here only what was cut short by the end of the server.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#guest-access
/// </remarks>
/// <param name="expireAfter">How long a guest may be away.</param>
public sealed class GuestUpkeep(RoomEngine engine, AccountDeactivation deactivation, TimeSpan expireAfter)
{
    private const int SliceSize = 20;

    private long _after;

    /// <summary>Looks after the next few guests.</summary>
    /// <returns>Whether there may be more.</returns>
    public async Task<bool> SliceAsync(CancellationToken cancellationToken)
    {
        List<GuestRow> guests;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            guests = AccountTable.Guests(snapshot, _after, SliceSize);
        }

        var expired = (engine.Time.GetUtcNow() - expireAfter).ToUnixTimeMilliseconds();
        foreach (var guest in guests)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                return false;
            }

            _after = guest.User;
            await (guest.LastSeenTs <= expired ? ExpireAsync(guest.User) : LeaveRoomsAsync(guest, cancellationToken));
        }

        if (guests.Count == SliceSize)
        {
            return true;
        }

        _after = 0;
        return false;
    }

    // What the guest said in rooms stays; the rest goes first, so that a guest who is half given up is found again.
    private async Task ExpireAsync(long user)
    {
        await engine.Database.WriteAsync(db => AccountLeftovers.Erase(db, user));
        await deactivation.DeactivateAsync(user, erase: false);
    }

    private async Task LeaveRoomsAsync(GuestRow guest, CancellationToken cancellationToken)
    {
        List<string> rooms;
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            rooms = [.. MembershipTable.OfUser(snapshot, guest.User, Membership.Join)
                .Select(row => RoomTable.Find(snapshot, row.Room)?.RoomId).OfType<string>()];
        }

        foreach (var room in rooms.Select(engine.Find).OfType<Room>())
        {
            await GuestAccess.RemoveAsync(engine, room, guest.UserId, cancellationToken);
        }
    }
}
