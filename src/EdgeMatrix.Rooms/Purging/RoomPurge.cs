using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Purging;

/// <summary>Deletes rooms that no user of this server wants any more: all have left and forgotten them.</summary>
/// <remarks>
/// A room goes in one write, for everyone: it is marked, and by what it was known is deleted. Its events, states and members follow in
/// slices, of which each may be the last before a power cut: the next start goes on from the mark.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidforget
/// </remarks>
/// <param name="after">
/// How long a forgotten room is kept, so that a device which was not there can still be told that its user has left, and whoever is
/// invited again finds the room as it was.
/// </param>
public sealed class RoomPurge(RoomEngine engine, RoomMembers members, TimeSpan after)
{
    private const int RowsPerSlice = 256;

    /// <summary>Deletes a room in spite of those who are in it, when the administrator says so.</summary>
    /// <param name="atOnce">
    /// False: every user of this server leaves and forgets it, and it goes when the time has come. True: it goes now; a client that has it in
    /// its list is not told, and shows it until it begins anew.
    /// </param>
    public async Task DeleteAsync(Room room, bool atOnce, CancellationToken cancellationToken)
    {
        foreach (var (user, userId) in LocalUsers(room))
        {
            // One who may not leave, as a ban keeps them out, is out.
            await members.LeaveAsync(room, userId, reason: null, cancellationToken);
            await members.ForgetAsync(room, user);
        }

        if (atOnce)
        {
            await engine.DeleteAsync(room, (_, _) => true);
        }
    }

    /// <summary>Deletes a little of what is to be deleted.</summary>
    /// <returns>Whether there is more.</returns>
    public async Task<bool> SliceAsync(CancellationToken cancellationToken)
    {
        if (await DeleteRowsAsync())
        {
            return true;
        }

        if (NextForgotten() is not { } roomId || cancellationToken.IsCancellationRequested)
        {
            return false;
        }

        if (engine.Find(roomId) is { } room)
        {
            await engine.DeleteAsync(room, IsUnwanted);
            return true;
        }

        return false;
    }

    private async Task<bool> DeleteRowsAsync()
    {
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            if (PurgedRoomTable.First(snapshot) is null)
            {
                return false;
            }
        }

        await engine.Database.WriteAsync(db =>
        {
            if (PurgedRoomTable.First(db) is { } room)
            {
                PurgedRoomTable.DeleteSlice(db, room, RowsPerSlice);
            }
        });
        return true;
    }

    private string? NextForgotten()
    {
        using var snapshot = engine.Database.OpenSnapshot();
        return PurgedRoomTable.FirstForgotten(snapshot, (engine.Time.GetUtcNow() - after).ToUnixTimeMilliseconds());
    }

    private static bool IsUnwanted(WriteTransaction db, RoomRow row)
    {
        if (!PurgedRoomTable.IsWanted(db, row.Nid))
        {
            return true;
        }

        // Somebody is back, or invited.
        PurgedRoomTable.SetForgotten(db, row.Nid, null);
        return false;
    }

    private List<(long User, string UserId)> LocalUsers(Room room)
    {
        using var snapshot = engine.Database.OpenSnapshot();
        return [.. PurgedRoomTable.LocalUsers(snapshot, room.Nid)
            .Select(user => (user, UserTable.Name(snapshot, user)!))];
    }
}
