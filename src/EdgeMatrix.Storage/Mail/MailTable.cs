namespace EdgeMatrix.Storage.Mail;

/// <param name="Message">The whole mail, as it goes over the wire.</param>
/// <param name="NextTs">When it is to be tried, ms since the Unix epoch.</param>
/// <param name="Failures">How often in a row it was not taken.</param>
/// <param name="ExpiresTs">When it is of no use any more.</param>
public sealed record MailRow(long Nid, string Recipient, string Message, long NextTs, long Failures, long ExpiresTs);

/// <summary>The <c>mails</c> table: mails that are promised and not handed over yet.</summary>
public static class MailTable
{
    private const string CountSql = "SELECT count(*) FROM mails";
    private const string NextSql =
        "SELECT nid, recipient, message, next_ts, failures, expires_ts FROM mails ORDER BY next_ts, nid LIMIT 1";

    private const string InsertSql = "INSERT INTO mails (recipient, message, next_ts, failures, expires_ts) VALUES (?, ?, ?, 0, ?)";
    private const string PostponeSql = "UPDATE mails SET next_ts = ?, failures = ? WHERE nid = ?";
    private const string DeleteSql = "DELETE FROM mails WHERE nid = ?";

    public static long Count(Session db)
    {
        using var query = db.Prepare(CountSql);
        return query.Step() ? query.Int64(0) : 0;
    }

    /// <summary>The one that is due first; null: there is none.</summary>
    public static MailRow? Next(Session db)
    {
        using var query = db.Prepare(NextSql);
        return query.Step()
            ? new MailRow(query.Int64(0), query.Text(1), query.Text(2), query.Int64(3), query.Int64(4), query.Int64(5))
            : null;
    }

    public static void Add(WriteTransaction db, string recipient, string message, long nextTs, long expiresTs)
    {
        using var insert = db.Prepare(InsertSql).Bind(recipient).Bind(message).Bind(nextTs).Bind(expiresTs);
        insert.Run();
    }

    public static void Postpone(WriteTransaction db, long mail, long nextTs, long failures)
    {
        using var update = db.Prepare(PostponeSql).Bind(nextTs).Bind(failures).Bind(mail);
        update.Run();
    }

    public static void Delete(WriteTransaction db, long mail)
    {
        using var delete = db.Prepare(DeleteSql).Bind(mail);
        delete.Run();
    }
}
