namespace EdgeMatrix.Storage.Rooms;

/// <summary>A membership state. Spec: https://spec.matrix.org/v1.19/client-server-api/#room-membership</summary>
public enum Membership
{
    Join = 1,
    Invite = 2,
    Knock = 3,
    Leave = 4,
    Ban = 5,
}

/// <param name="Event">Nid of the member event.</param>
/// <param name="Position">
/// Stream position at which it became what it is. The event may have been heard of before, as one by which others are allowed.
/// </param>
public readonly record struct MembershipRow(long Room, long User, Membership Membership, long Event, long Position, bool Forgotten);

/// <summary>The <c>memberships</c> table: who is what in which room now.</summary>
public static class MembershipTable
{
    private const string UsersOfServerSql = """
        SELECT u.user_id FROM memberships m CROSS JOIN users u ON u.nid = m.user
        WHERE m.room = ? AND substr(u.user_id, instr(u.user_id, ':') + 1) = ? LIMIT ?
        """;

    private const string Columns = "room, user, membership, event, position, forgotten";
    private const string DeleteSql = "DELETE FROM memberships WHERE room = ? AND user = ?";
    private const string FindSql = $"SELECT {Columns} FROM memberships WHERE room = ? AND user = ?";

    private const string SetSql = """
        INSERT INTO memberships (room, user, membership, event, position) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (room, user) DO UPDATE SET
            membership = excluded.membership, event = excluded.event, position = excluded.position, forgotten = 0
        """;

    private const string ForgetSql = "UPDATE memberships SET forgotten = 1 WHERE room = ? AND user = ?";
    private const string OfUserSql = $"SELECT {Columns} FROM memberships WHERE user = ? AND membership = ? ORDER BY position";
    private const string AllOfUserSql = $"SELECT {Columns} FROM memberships WHERE user = ?";

    private const string ChangedOfUserSql = $"SELECT {Columns} FROM memberships WHERE user = ? AND membership = ? AND position > ?";

    // A room whose state is not that after its newest event has seen a state reset, which moved no event.
    private const string MovedSql = $"""
        SELECT {Columns} FROM memberships WHERE user = ?1 AND membership = 1 AND EXISTS (
            SELECT 1 FROM rooms r LEFT JOIN events e ON e.nid = r.last_event WHERE r.nid = memberships.room AND (
                r.last_event > ?2
                OR r.whole_since > ?2
                OR r.state IS NOT e.state
                OR EXISTS (SELECT 1 FROM receipts WHERE receipts.room = r.nid AND position > ?2)))
        """;

    private const string InRoomSql = $"SELECT {Columns} FROM memberships WHERE room = ? AND membership = ? ORDER BY position, event LIMIT ?";

    private const string LocalInRoomSql = """
        SELECT m.user FROM memberships m JOIN accounts a ON a.user = m.user WHERE m.room = ? AND m.membership = 1
        """;

    private const string NamesInRoomSql = """
        SELECT u.user_id, u.nid FROM memberships m JOIN users u ON u.nid = m.user WHERE m.room = ? AND m.membership = 1
        """;

    private const string NamesInRoomFromSql = """
        SELECT u.user_id, u.nid FROM users u CROSS JOIN memberships m ON m.room = ?1 AND m.user = u.nid AND m.membership = 1
        WHERE u.user_id >= ?2 AND u.user_id < ?3
        """;

    private const string EventsInRoomSql = "SELECT event, user FROM memberships WHERE room = ?";

    private const string ChangedInRoomSql = """
        SELECT user FROM memberships WHERE room = ? AND membership IN (1, 2, 3, 4, 5) AND position > ?
        """;

    private const string OfBothSql = """
        SELECT o.room, o.user, o.membership, o.event, o.position, o.forgotten, t.room, t.user, t.membership, t.event, t.position, t.forgotten
        FROM memberships o CROSS JOIN memberships t ON t.room = o.room AND t.user = ?2 WHERE o.user = ?1
        """;

    // From the index of users alone: whether a room is forgotten is not asked.
    private const string OfManySql = """
        SELECT o.room, o.user, o.membership, o.event, o.position FROM json_each(?1) n CROSS JOIN memberships o ON o.user = n.value
        WHERE EXISTS (SELECT 1 FROM memberships t WHERE t.room = o.room AND t.user = ?2)
        """;

    private const string CountOfAccountsSql = "SELECT count(*) FROM accounts";

    private const string CountLocalsOfMembersSql = """
        SELECT count(*) FROM memberships m CROSS JOIN accounts a ON a.user = m.user WHERE m.room = ? AND m.membership = 1
        """;

    private static readonly string _countLocalsFromAccountsSql = $"SELECT count(*) {LocalsFromAccounts("?")}";
    private static readonly string _anyJoinedLocalSql = $"SELECT 1 {LocalsFromAccounts("?")} LIMIT 1";

    // From the accounts, which are fewer than the members of a large room.
    private const string LocalsWithSharedRoomSql = """
        SELECT a.user FROM accounts a WHERE a.user <> ?1 AND EXISTS (
            SELECT 1 FROM memberships t CROSS JOIN memberships o ON o.room = t.room AND o.user = ?1 AND o.membership = 1
            WHERE t.user = a.user AND t.membership = 1)
        """;

    /// <summary>Ids of the users of a server who are, or were, anything in the room.</summary>
    public static List<string> UsersOfServer(Session db, long room, string server, int limit)
    {
        using var query = db.Prepare(UsersOfServerSql).Bind(room).Bind(server).Bind(limit);
        var users = new List<string>();
        while (query.Step())
        {
            users.Add(query.Text(0));
        }

        return users;
    }

    public static MembershipRow? Find(Session db, long room, long user)
    {
        using var query = db.Prepare(FindSql).Bind(room).Bind(user);
        return query.Step() ? Read(query) : null;
    }

    public static void Set(WriteTransaction db, long room, long user, Membership membership, long @event, long position)
    {
        using var upsert = db.Prepare(SetSql).Bind(room).Bind(user).Bind((long)membership).Bind(@event).Bind(position);
        upsert.Run();
    }

    /// <summary>The user has nothing to do with the room any more, as if they never had.</summary>
    public static void Delete(WriteTransaction db, long room, long user)
    {
        using var delete = db.Prepare(DeleteSql).Bind(room).Bind(user);
        delete.Run();
    }

    public static void Forget(WriteTransaction db, long room, long user)
    {
        using var update = db.Prepare(ForgetSql).Bind(room).Bind(user);
        update.Run();
    }

    /// <summary>The rooms in which the user has the membership, longest first.</summary>
    public static List<MembershipRow> OfUser(Session db, long user, Membership membership) =>
        ReadAll(db.Prepare(OfUserSql).Bind(user).Bind((long)membership));

    public static List<MembershipRow> AllOfUser(Session db, long user) => ReadAll(db.Prepare(AllOfUserSql).Bind(user));

    /// <summary>As <see cref="OfUser"/>, of those that changed after a stream position.</summary>
    public static List<MembershipRow> ChangedOfUser(Session db, long user, Membership membership, long after) =>
        ReadAll(db.Prepare(ChangedOfUserSql).Bind(user).Bind((long)membership).Bind(after));

    /// <summary>The rooms that the user is joined to in which there may be news after a stream position.</summary>
    public static List<MembershipRow> Moved(Session db, long user, long after) =>
        ReadAll(db.Prepare(MovedSql).Bind(user).Bind(after));

    /// <summary>Members of a room, in the order in which they became what they are.</summary>
    public static List<MembershipRow> InRoom(Session db, long room, Membership membership, int limit) =>
        ReadAll(db.Prepare(InRoomSql).Bind(room).Bind((long)membership).Bind(limit));

    /// <summary>As <see cref="InRoom"/>, all of them, read as they are asked for.</summary>
    public static IEnumerable<MembershipRow> EachInRoom(Session db, long room, Membership membership)
    {
        using var query = db.Prepare(InRoomSql).Bind(room).Bind((long)membership).Bind(-1);
        while (query.Step())
        {
            yield return Read(query);
        }
    }

    /// <summary>The users who are anything in the room, by the nids of their member events.</summary>
    public static Dictionary<long, long> UsersByEvent(Session db, long room)
    {
        using var query = db.Prepare(EventsInRoomSql).Bind(room);
        var users = new Dictionary<long, long>();
        while (query.Step())
        {
            users[query.Int64(0)] = query.Int64(1);
        }

        return users;
    }

    /// <summary>Nids of the joined users who have an account here.</summary>
    public static List<long> JoinedLocals(Session db, long room) => Users(db.Prepare(LocalInRoomSql).Bind(room));

    /// <summary>Whether any user of this server is joined.</summary>
    public static bool AnyJoinedLocal(Session db, long room)
    {
        using var query = db.Prepare(_anyJoinedLocalSql).Bind(room);
        return query.Step();
    }

    /// <summary>How many with an account here are joined, at a cost that follows the members or the accounts, whichever are fewer.</summary>
    public static long CountJoinedLocals(Session db, RoomRow room)
    {
        long accounts;
        using (var count = db.Prepare(CountOfAccountsSql))
        {
            accounts = count.Step() ? count.Int64(0) : 0;
        }

        using var query = db.Prepare(accounts < room.Joined ? _countLocalsFromAccountsSql : CountLocalsOfMembersSql).Bind(room.Nid);
        return query.Step() ? query.Int64(0) : 0;
    }

    /// <summary>The joined users of this server, looked for account by account.</summary>
    /// <param name="room">What stands for the nid of the room in the statement.</param>
    internal static string LocalsFromAccounts(string room) =>
        $"FROM accounts a CROSS JOIN memberships m ON m.room = {room} AND m.user = a.user AND m.membership = 1";

    /// <summary>The joined users whose ids begin with a text, read as they are asked for; others may be among them.</summary>
    /// <param name="fromNames">Looks at all users of such ids instead of all members of the room: quicker where the room is large.</param>
    public static IEnumerable<(string UserId, long User)> JoinedNames(Session db, long room, string prefix, bool fromNames)
    {
        using var query = fromNames
            ? db.Prepare(NamesInRoomFromSql).Bind(room).Bind(prefix).Bind(prefix + "\U0010FFFF")
            : db.Prepare(NamesInRoomSql).Bind(room);
        while (query.Step())
        {
            yield return (query.Text(0), query.Int64(1));
        }
    }

    /// <summary>Nids of the users whose member event changed after a stream position.</summary>
    public static List<long> ChangedInRoom(Session db, long room, long after) => Users(db.Prepare(ChangedInRoomSql).Bind(room).Bind(after));

    /// <summary>Nids of the users with an account here who are joined to a room that this user is joined to.</summary>
    public static List<long> LocalsWithSharedRoom(Session db, long user) => Users(db.Prepare(LocalsWithSharedRoomSql).Bind(user));

    /// <summary>What two users are in the rooms that both have to do with; at a cost that follows the rooms of the first.</summary>
    public static List<(MembershipRow One, MembershipRow Other)> OfBoth(Session db, long one, long other)
    {
        using var query = db.Prepare(OfBothSql).Bind(one).Bind(other);
        var rows = new List<(MembershipRow, MembershipRow)>();
        while (query.Step())
        {
            rows.Add((Read(query), Read(query, 6)));
        }

        return rows;
    }

    /// <summary>The memberships of many users in the rooms in which another user has one too; whether they are forgotten is left out.</summary>
    /// <param name="users">Nids.</param>
    public static IEnumerable<MembershipRow> OfMany(Session db, IEnumerable<long> users, long other)
    {
        using var query = db.Prepare(OfManySql).Bind(RelationTable.JsonList(users)).Bind(other);
        while (query.Step())
        {
            yield return new MembershipRow(query.Int64(0), query.Int64(1), (Membership)query.Int64(2), query.Int64(3), query.Int64(4), Forgotten: false);
        }
    }

    private static List<long> Users(Statement query)
    {
        using (query)
        {
            var users = new List<long>();
            while (query.Step())
            {
                users.Add(query.Int64(0));
            }

            return users;
        }
    }

    private static List<MembershipRow> ReadAll(Statement query)
    {
        using (query)
        {
            var rows = new List<MembershipRow>();
            while (query.Step())
            {
                rows.Add(Read(query));
            }

            return rows;
        }
    }

    private static MembershipRow Read(Statement row, int first = 0) => new(
        row.Int64(first), row.Int64(first + 1), (Membership)row.Int64(first + 2), row.Int64(first + 3), row.Int64(first + 4), row.Int64(first + 5) != 0);
}
