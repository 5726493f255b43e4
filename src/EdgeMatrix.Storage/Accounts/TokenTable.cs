namespace EdgeMatrix.Storage.Accounts;

/// <summary>An access token and whose it is.</summary>
/// <param name="ExpiresTs">ms since the Unix epoch; null: until logout.</param>
/// <param name="Refresh">Nid of the refresh token issued with it, if there was one and it is still good.</param>
/// <param name="Replaces">The token is of a pair that replaced another, which is still good.</param>
public sealed record AccessTokenRow(
    long User, string UserId, AccountStanding Standing, long Device, string DeviceId, long? LastSeenTs, long? ExpiresTs, long? Refresh, bool Replaces);

/// <param name="Next">Nid of the refresh token that was issued for it and has not been used yet.</param>
/// <param name="Locked">The account is locked.</param>
public sealed record RefreshTokenRow(long Nid, long Device, long? Next, bool Locked);

/// <summary>The <c>access_tokens</c> and <c>refresh_tokens</c> tables. Tokens are known by their SHA-256 hashes only.</summary>
/// <remarks>
/// A refresh token stays good until the pair issued for it is used, so that an answer that was lost can be asked for
/// again: until then it points to its successor with <c>next</c>.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens
/// </remarks>
public static class TokenTable
{
    private const string FindAccessSql = """
        SELECT d.user, u.user_id, a.admin, d.nid, d.device_id, d.last_seen_ts, t.expires_ts, r.nid,
               EXISTS (SELECT 1 FROM refresh_tokens p WHERE p.device = t.device AND p.next = t.refresh), a.guest, a.locked, a.suspended
        FROM access_tokens t
        JOIN devices d ON d.nid = t.device
        JOIN users u ON u.nid = d.user
        JOIN accounts a ON a.user = d.user
        LEFT JOIN refresh_tokens r ON r.nid = t.refresh
        WHERE t.hash = ?
        """;

    private const string InsertAccessSql = "INSERT INTO access_tokens (hash, device, expires_ts, refresh) VALUES (?, ?, ?, ?)";
    private const string FindRefreshSql = """
        SELECT r.nid, r.device, r.next, a.locked
        FROM refresh_tokens r JOIN devices d ON d.nid = r.device JOIN accounts a ON a.user = d.user WHERE r.hash = ?
        """;

    private const string InsertRefreshSql = "INSERT INTO refresh_tokens (hash, device) VALUES (?, ?)";
    private const string SetNextSql = "UPDATE refresh_tokens SET next = ? WHERE nid = ?";
    private const string PredecessorsSql = "SELECT nid FROM refresh_tokens WHERE device = ? AND next = ?";
    private const string DeleteRefreshSql = "DELETE FROM refresh_tokens WHERE nid = ?";
    private const string DeleteAccessOfRefreshSql = "DELETE FROM access_tokens WHERE device = ? AND refresh = ?";
    private const string DeleteAccessOfDeviceSql = "DELETE FROM access_tokens WHERE device = ?";
    private const string DeleteRefreshOfDeviceSql = "DELETE FROM refresh_tokens WHERE device = ?";

    public static AccessTokenRow? FindAccess(Session db, ReadOnlySpan<byte> hash)
    {
        using var query = db.Prepare(FindAccessSql).Bind(hash);
        return query.Step()
            ? new AccessTokenRow(
                query.Int64(0),
                query.Text(1),
                new AccountStanding(query.Int64(2) != 0, query.Int64(9) != 0, query.Int64(10) != 0, query.Int64(11) != 0),
                query.Int64(3),
                query.Text(4),
                query.IsNull(5) ? null : query.Int64(5),
                query.IsNull(6) ? null : query.Int64(6),
                query.IsNull(7) ? null : query.Int64(7),
                query.Int64(8) != 0)
            : null;
    }

    public static void InsertAccess(WriteTransaction db, ReadOnlySpan<byte> hash, long device, long? expiresTs, long? refresh)
    {
        using var insert = db.Prepare(InsertAccessSql).Bind(hash).Bind(device).Bind(expiresTs).Bind(refresh);
        insert.Run();
    }

    public static RefreshTokenRow? FindRefresh(Session db, ReadOnlySpan<byte> hash)
    {
        using var query = db.Prepare(FindRefreshSql).Bind(hash);
        return query.Step() ? new RefreshTokenRow(query.Int64(0), query.Int64(1), query.IsNull(2) ? null : query.Int64(2), query.Int64(3) != 0) : null;
    }

    /// <summary>Adds a refresh token; returns its nid.</summary>
    public static long InsertRefresh(WriteTransaction db, ReadOnlySpan<byte> hash, long device)
    {
        using var insert = db.Prepare(InsertRefreshSql).Bind(hash).Bind(device);
        insert.Run();
        return db.LastInsertRowId;
    }

    /// <summary>Says which refresh token was issued in exchange for another.</summary>
    public static void SetNext(WriteTransaction db, long refresh, long next)
    {
        using var update = db.Prepare(SetNextSql).Bind(next).Bind(refresh);
        update.Run();
    }

    /// <summary>Deletes the pairs that this refresh token replaced. Returns false if there were none.</summary>
    public static bool DeleteReplaced(WriteTransaction db, long device, long refresh)
    {
        var replaced = new List<long>();
        using (var query = db.Prepare(PredecessorsSql).Bind(device).Bind(refresh))
        {
            while (query.Step())
            {
                replaced.Add(query.Int64(0));
            }
        }

        foreach (var nid in replaced)
        {
            DeletePair(db, device, nid);
        }

        return replaced.Count > 0;
    }

    /// <summary>Deletes a refresh token and the access tokens issued with it.</summary>
    public static void DeletePair(WriteTransaction db, long device, long refresh)
    {
        using (var access = db.Prepare(DeleteAccessOfRefreshSql).Bind(device).Bind(refresh))
        {
            access.Run();
        }

        using var delete = db.Prepare(DeleteRefreshSql).Bind(refresh);
        delete.Run();
    }

    public static void DeleteOfDevice(WriteTransaction db, long device)
    {
        using (var access = db.Prepare(DeleteAccessOfDeviceSql).Bind(device))
        {
            access.Run();
        }

        using var refresh = db.Prepare(DeleteRefreshOfDeviceSql).Bind(device);
        refresh.Run();
    }
}
