namespace EdgeMatrix.Storage.Rooms;

/// <summary>
/// The <c>lost_memberships</c> table: users of this server who were joined to a room until branches of it met whose common state does not have that. No event
/// says so.
/// </summary>
public static class LostMembershipTable
{
    private const string AddSql = "INSERT OR REPLACE INTO lost_memberships (user, room, position) VALUES (?, ?, ?)";
    private const string DeleteSql = "DELETE FROM lost_memberships WHERE user = ? AND room = ?";
    private const string OfUserSql = "SELECT room FROM lost_memberships WHERE user = ? AND position > ? AND position <= ?";

    public static void Add(WriteTransaction db, long user, long room, long position)
    {
        using var insert = db.Prepare(AddSql).Bind(user).Bind(room).Bind(position);
        insert.Run();
    }

    /// <summary>The user has something to do with the room again.</summary>
    public static void Delete(WriteTransaction db, long user, long room)
    {
        using var delete = db.Prepare(DeleteSql).Bind(user).Bind(room);
        delete.Run();
    }

    /// <summary>Nids of the rooms that were lost to the user in a stretch of the stream, and still are.</summary>
    /// <param name="after">Exclusive.</param>
    /// <param name="upTo">Inclusive.</param>
    public static List<long> OfUser(Session db, long user, long after, long upTo)
    {
        using var query = db.Prepare(OfUserSql).Bind(user).Bind(after).Bind(upTo);
        var rooms = new List<long>();
        while (query.Step())
        {
            rooms.Add(query.Int64(0));
        }

        return rooms;
    }
}
