namespace EdgeMatrix.Storage.Encryption;

/// <param name="AuthData">A JSON object, UTF-8.</param>
/// <param name="Etag">Grows with every change of the keys.</param>
/// <param name="Count">How many keys it holds.</param>
public sealed record KeyBackupRow(long User, long Version, string Algorithm, byte[] AuthData, long Etag, long Count);

/// <param name="SessionData">A JSON object, UTF-8.</param>
public sealed record BackedUpKeyRow(
    string RoomId, string SessionId, long FirstMessageIndex, long ForwardedCount, bool IsVerified, byte[] SessionData);

/// <summary>The <c>key_backups</c> and <c>backed_up_keys</c> tables: room keys that clients keep here, encrypted.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups</remarks>
public static class KeyBackupTable
{
    private const string Columns = "user, version, algorithm, auth_data, etag, keys";
    private const string FindSql = $"SELECT {Columns} FROM key_backups WHERE user = ? AND version = ? AND deleted = 0";
    private const string LatestSql = $"SELECT {Columns} FROM key_backups WHERE user = ? AND deleted = 0 ORDER BY version DESC LIMIT 1";
    private const string ExistedSql = "SELECT 1 FROM key_backups WHERE user = ? AND version = ?";

    // The number of a backup that is gone is not given again.
    private const string InsertSql = """
        INSERT INTO key_backups (user, version, algorithm, auth_data)
        VALUES (?1, 1 + coalesce((SELECT max(version) FROM key_backups WHERE user = ?1), 0), ?2, ?3) RETURNING version
        """;

    private const string SetAuthDataSql = "UPDATE key_backups SET auth_data = ? WHERE user = ? AND version = ?";
    private const string ChangeSql = "UPDATE key_backups SET etag = etag + 1, keys = keys + ? WHERE user = ? AND version = ?";
    private const string DeleteSql = "UPDATE key_backups SET deleted = 1, auth_data = '{}', keys = 0 WHERE user = ? AND version = ?";
    private const string KeyColumns = "room_id, session_id, first_message_index, forwarded_count, is_verified, session_data";
    private const string InBackup = "user = ? AND version = ?";
    private const string InRoom = InBackup + " AND room_id = ?";
    private const string AllKeysSql = $"SELECT {KeyColumns} FROM backed_up_keys WHERE {InBackup} ORDER BY room_id, session_id";
    private const string RoomKeysSql = $"SELECT {KeyColumns} FROM backed_up_keys WHERE {InRoom} ORDER BY session_id";
    private const string KeySql = $"SELECT {KeyColumns} FROM backed_up_keys WHERE {InRoom} AND session_id = ?";
    private const string SetKeySql = $"INSERT OR REPLACE INTO backed_up_keys (user, version, {KeyColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    private const string DeleteAllKeysSql = $"DELETE FROM backed_up_keys WHERE {InBackup}";
    private const string DeleteRoomKeysSql = $"DELETE FROM backed_up_keys WHERE {InRoom}";
    private const string DeleteKeySql = $"DELETE FROM backed_up_keys WHERE {InRoom} AND session_id = ?";

    public static KeyBackupRow? Find(Session db, long user, long version)
    {
        using var query = db.Prepare(FindSql).Bind(user).Bind(version);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>The current backup; null if the user has none.</summary>
    public static KeyBackupRow? Latest(Session db, long user)
    {
        using var query = db.Prepare(LatestSql).Bind(user);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>Whether there is such a backup, or was.</summary>
    public static bool Existed(Session db, long user, long version)
    {
        using var query = db.Prepare(ExistedSql).Bind(user).Bind(version);
        return query.Step();
    }

    /// <summary>Begins a backup; returns its version.</summary>
    /// <param name="authData">The text of a JSON object.</param>
    public static long Insert(WriteTransaction db, long user, string algorithm, string authData)
    {
        using var insert = db.Prepare(InsertSql).Bind(user).Bind(algorithm).Bind(authData);
        insert.Step();
        return insert.Int64(0);
    }

    public static void SetAuthData(WriteTransaction db, long user, long version, string authData)
    {
        using var update = db.Prepare(SetAuthDataSql).Bind(authData).Bind(user).Bind(version);
        update.Run();
    }

    /// <summary>Notes that the keys changed, and how many more there are.</summary>
    public static void Changed(WriteTransaction db, long user, long version, long more)
    {
        using var update = db.Prepare(ChangeSql).Bind(more).Bind(user).Bind(version);
        update.Run();
    }

    /// <summary>Deletes a backup and its keys; its version stays taken.</summary>
    public static void Delete(WriteTransaction db, long user, long version)
    {
        DeleteKeys(db, user, version, null, null);
        using var delete = db.Prepare(DeleteSql).Bind(user).Bind(version);
        delete.Run();
    }

    /// <param name="roomId">Null for all rooms.</param>
    /// <param name="sessionId">Null for all sessions of the room.</param>
    /// <returns>One by one, as they are read; those of a room come together.</returns>
    public static IEnumerable<BackedUpKeyRow> Keys(Session db, long user, long version, string? roomId, string? sessionId)
    {
        using var query = Select(db, AllKeysSql, RoomKeysSql, KeySql, user, version, roomId, sessionId);
        while (query.Step())
        {
            yield return new BackedUpKeyRow(
                query.Text(0), query.Text(1), query.Int64(2), query.Int64(3), query.Int64(4) != 0, query.Blob(5).ToArray());
        }
    }

    /// <param name="sessionData">The text of a JSON object.</param>
    public static void SetKey(WriteTransaction db, long user, long version, BackedUpKeyRow key, string sessionData)
    {
        using var upsert = db.Prepare(SetKeySql).Bind(user).Bind(version).Bind(key.RoomId).Bind(key.SessionId)
            .Bind(key.FirstMessageIndex).Bind(key.ForwardedCount).Bind(key.IsVerified).Bind(sessionData);
        upsert.Run();
    }

    /// <summary>As <see cref="Keys"/>; returns how many were deleted.</summary>
    public static long DeleteKeys(WriteTransaction db, long user, long version, string? roomId, string? sessionId)
    {
        using var delete = Select(db, DeleteAllKeysSql, DeleteRoomKeysSql, DeleteKeySql, user, version, roomId, sessionId);
        delete.Run();
        return delete.Changes;
    }

    private static Statement Select(
        Session db, string all, string ofRoom, string one, long user, long version, string? roomId, string? sessionId) => (roomId, sessionId) switch
    {
        (null, _) => db.Prepare(all).Bind(user).Bind(version),
        (_, null) => db.Prepare(ofRoom).Bind(user).Bind(version).Bind(roomId),
        _ => db.Prepare(one).Bind(user).Bind(version).Bind(roomId).Bind(sessionId),
    };

    private static KeyBackupRow Read(Statement row) =>
        new(row.Int64(0), row.Int64(1), row.Text(2), row.Blob(3).ToArray(), row.Int64(4), row.Int64(5));
}
