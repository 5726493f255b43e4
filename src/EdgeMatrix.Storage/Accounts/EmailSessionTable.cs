namespace EdgeMatrix.Storage.Accounts;

/// <summary>What an address is proved for; a proof for one is none for another. The numbers are stored.</summary>
public enum EmailPurpose
{
    Register = 0,
    ResetPassword = 1,
    Add = 2,
}

/// <param name="Sid">How clients call the session.</param>
/// <param name="Address">In its canonical form.</param>
/// <param name="Secret">SHA-256 of the client's secret.</param>
/// <param name="Token">SHA-256 of the token in the newest mail.</param>
/// <param name="SendAttempt">The client's number of that mail.</param>
/// <param name="NextLink">Where the user goes on from the page that the mail leads to; null: nowhere.</param>
/// <param name="ExpiresTs">ms since the Unix epoch, as is <paramref name="ValidatedTs"/>.</param>
/// <param name="ValidatedTs">When the user proved that the mail came; null: not yet.</param>
public sealed record EmailSessionRow(
    string Sid,
    EmailPurpose Purpose,
    string Address,
    byte[] Secret,
    byte[] Token,
    long SendAttempt,
    string? NextLink,
    long ExpiresTs,
    long? ValidatedTs = null);

/// <summary>The <c>email_sessions</c> table: e-mail addresses that are being proved.</summary>
public static class EmailSessionTable
{
    private const string Columns = "sid, purpose, address, secret, token, send_attempt, next_link, expires_ts, validated_ts";
    private const string FindSql = $"SELECT {Columns} FROM email_sessions WHERE sid = ?";
    private const string FindBySecretSql = $"SELECT {Columns} FROM email_sessions WHERE address = ? AND secret = ? AND purpose = ?";
    private const string CountSql = "SELECT count(*) FROM email_sessions";
    private const string SetSql = $"""
        INSERT INTO email_sessions ({Columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (sid) DO UPDATE SET token = excluded.token, send_attempt = excluded.send_attempt, next_link = excluded.next_link,
            expires_ts = excluded.expires_ts, validated_ts = excluded.validated_ts
        """;

    private const string DeleteSql = "DELETE FROM email_sessions WHERE sid = ?";
    private const string DeleteExpiredSql = "DELETE FROM email_sessions WHERE expires_ts <= ?";

    public static EmailSessionRow? Find(Session db, string sid)
    {
        using var query = db.Prepare(FindSql).Bind(sid);
        return query.Step() ? Read(query) : null;
    }

    public static EmailSessionRow? Find(Session db, string address, ReadOnlySpan<byte> secret, EmailPurpose purpose)
    {
        using var query = db.Prepare(FindBySecretSql).Bind(address).Bind(secret).Bind((int)purpose);
        return query.Step() ? Read(query) : null;
    }

    public static long Count(Session db)
    {
        using var query = db.Prepare(CountSql);
        return query.Step() ? query.Int64(0) : 0;
    }

    /// <summary>Adds a session, or changes the one of that sid.</summary>
    public static void Set(WriteTransaction db, EmailSessionRow row)
    {
        using var upsert = db.Prepare(SetSql)
            .Bind(row.Sid).Bind((int)row.Purpose).Bind(row.Address).Bind(row.Secret).Bind(row.Token).Bind(row.SendAttempt).Bind(row.NextLink)
            .Bind(row.ExpiresTs).Bind(row.ValidatedTs);
        upsert.Run();
    }

    /// <summary>False if there is none.</summary>
    public static bool Delete(WriteTransaction db, string sid)
    {
        using var delete = db.Prepare(DeleteSql).Bind(sid);
        delete.Run();
        return delete.Changes == 1;
    }

    public static void DeleteExpired(WriteTransaction db, long now)
    {
        using var delete = db.Prepare(DeleteExpiredSql).Bind(now);
        delete.Run();
    }

    private static EmailSessionRow Read(Statement query) => new(
        query.Text(0), (EmailPurpose)query.Int64(1), query.Text(2), query.Blob(3).ToArray(), query.Blob(4).ToArray(), query.Int64(5),
        query.TextOrNull(6), query.Int64(7), query.Int64OrNull(8));
}
