using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage.Notifications;

/// <summary>Of whom the messages in a room have to be thought.</summary>
/// <param name="RulesPosition">The stream position of the last change of their push rules; null if they have those of everyone.</param>
/// <param name="IgnoredPosition">That of their list of ignored users; null if they have none.</param>
/// <param name="HasPusher">Whether something is to be told to a push gateway.</param>
public readonly record struct RecipientRow(long User, string UserId, long? RulesPosition, long? IgnoredPosition, bool HasPusher);

/// <summary>Who may be notified of what is written to a room.</summary>
public static class RecipientTable
{
    private const string UsersSql = """
        SELECT m.user, u.user_id, r.position, i.position, EXISTS (SELECT 1 FROM pushers p WHERE p.user = m.user)
        FROM json_each(?2) l CROSS JOIN memberships m ON m.room = ?1 AND m.user = l.value JOIN users u ON u.nid = m.user
        LEFT JOIN account_data r ON r.user = m.user AND r.room = 0 AND r.type = 'm.push_rules'
        LEFT JOIN account_data i ON i.user = m.user AND i.room = 0 AND i.type = 'm.ignored_user_list'
        WHERE m.membership IN (1, 2)
        """;

    private const string ChangesSql = "SELECT number FROM recipient_changes";

    /// <summary>A number that is another after every change of what is told of users here, save that they come to a room or leave it.</summary>
    public static long Changes(Session db)
    {
        using var query = db.Prepare(ChangesSql);
        return query.Step() ? query.Int64(0) : throw new DatabaseException("The table recipient_changes has lost its row.");
    }

    /// <summary>Those of the users whom what is said in the room concerns: its members and whom it invites.</summary>
    public static List<RecipientRow> Of(Session db, long room, IEnumerable<long> users)
    {
        using var query = db.Prepare(UsersSql).Bind(room).Bind(RelationTable.JsonList(users));
        var found = new List<RecipientRow>();
        while (query.Step())
        {
            found.Add(new RecipientRow(query.Int64(0), query.Text(1), query.Int64OrNull(2), query.Int64OrNull(3), query.Int64(4) != 0));
        }

        return found;
    }
}
