namespace EdgeMatrix.Storage.Accounts;

/// <summary>The <c>status_messages</c> table: the <c>status_msg</c> of users' presence, of which all else is in memory only.</summary>
public static class StatusMessageTable
{
    private const string AllSql = "SELECT s.user, u.user_id, s.message FROM status_messages s JOIN users u ON u.nid = s.user LIMIT ?";
    private const string SetSql =
        "INSERT INTO status_messages (user, message) VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET message = excluded.message";

    private const string DeleteSql = "DELETE FROM status_messages WHERE user = ?";

    public static List<(long User, string UserId, string Message)> All(Session db, int limit)
    {
        using var query = db.Prepare(AllSql).Bind(limit);
        var messages = new List<(long, string, string)>();
        while (query.Step())
        {
            messages.Add((query.Int64(0), query.Text(1), query.Text(2)));
        }

        return messages;
    }

    /// <param name="message">Null takes an earlier one away.</param>
    public static void Set(WriteTransaction db, long user, string? message)
    {
        using var change = message is null ? db.Prepare(DeleteSql).Bind(user) : db.Prepare(SetSql).Bind(user).Bind(message);
        change.Run();
    }
}
