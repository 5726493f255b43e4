namespace EdgeMatrix.Storage.Media;

/// <param name="Uploader">Nid of the user who made the id.</param>
/// <param name="ExpiresTs">When an id without a file is forgotten, ms since the Unix epoch; null once it has one.</param>
/// <param name="File">Null while nothing was uploaded.</param>
/// <param name="Quarantined">Nobody may have it.</param>
/// <param name="AccessedTs">When it was last asked for, a day coarse.</param>
/// <param name="QuarantinedBy">Nid of the administrator; null if it is not in quarantine, or only because the same bytes are.</param>
/// <param name="Protected">It is never quarantined.</param>
public sealed record MediaRow(
    long Nid, string MediaId, long Uploader, long CreatedTs, long? ExpiresTs, MediaFile? File, bool Quarantined, long AccessedTs,
    long? QuarantinedBy, bool Protected);

/// <param name="Hash">SHA-256 of the bytes, and where they lie: see <see cref="MediaFolder"/>.</param>
/// <param name="Type">As the uploader said; null: it said nothing that could be a Content-Type.</param>
/// <param name="Name">The file name that the uploader gave, or null.</param>
public sealed record MediaFile(MediaHash Hash, long Bytes, string? Type, string? Name);

/// <summary>The <c>media</c> table: the media ids of this server; and <c>media_usage</c>: how many bytes each user has uploaded.</summary>
public static class MediaTable
{
    internal const string Columns = "nid, media_id, uploader, created_ts, expires_ts, hash, bytes, type, name, quarantined, accessed_ts, quarantined_by, protected";
    private const string FindSql = $"SELECT {Columns} FROM media WHERE media_id = ?";
    private const string UploadsWaitingSql = "SELECT count(*) FROM media WHERE uploader = ? AND expires_ts > ?";
    private const string IsReferredToSql = """
        SELECT 1 WHERE EXISTS (SELECT 1 FROM media WHERE hash = ?1) OR EXISTS (SELECT 1 FROM remote_media WHERE hash = ?1)
        """;

    private const string IsQuarantinedSql = """
        SELECT 1 WHERE EXISTS (SELECT 1 FROM media WHERE hash = ?1 AND quarantined = 1)
        OR EXISTS (SELECT 1 FROM remote_media WHERE hash = ?1 AND quarantined = 1)
        """;

    private const string InsertSql = "INSERT INTO media (media_id, uploader, created_ts, expires_ts, accessed_ts) VALUES (?, ?, ?, ?, ?)";

    private const string SetFileSql = """
        UPDATE media SET expires_ts = NULL, hash = ?, bytes = ?, type = ?, name = ?, quarantined = ? WHERE nid = ? AND hash IS NULL
        """;

    private const string QuarantineSql = "UPDATE media SET quarantined = ?, quarantined_by = ? WHERE hash = ?";
    private const string QuarantineRemoteSql = "UPDATE remote_media SET quarantined = ?, quarantined_by = ? WHERE hash = ?";
    private const string IsProtectedSql = "SELECT 1 FROM media WHERE hash = ? AND protected = 1 LIMIT 1";
    private const string ProtectSql = "UPDATE media SET protected = ? WHERE nid = ?";
    private const string AccessedSql = "UPDATE media SET accessed_ts = ? WHERE nid = ?";
    private const string DeleteSql = "DELETE FROM media WHERE nid = ?";
    private const string DeleteExpiredSql =
        "DELETE FROM media WHERE nid IN (SELECT nid FROM media WHERE expires_ts IS NOT NULL AND expires_ts <= ? ORDER BY expires_ts LIMIT ?)";

    private const string AnyExpiredSql = "SELECT 1 FROM media WHERE expires_ts IS NOT NULL AND expires_ts <= ? LIMIT 1";

    private const string FindOwnSql = $"SELECT {Columns} FROM media WHERE hash = ? AND uploader = 0 LIMIT 1";
    private const string OldestOwnSql = $"SELECT {Columns} FROM media WHERE uploader = 0 ORDER BY accessed_ts, nid LIMIT 1";

    private const string UsageSql = "SELECT bytes FROM media_usage WHERE user = ?";

    private const string AddUsageSql = """
        INSERT INTO media_usage (user, bytes) VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET bytes = bytes + excluded.bytes
        """;

    /// <summary>Stands in the place of a user's nid: the server itself, which stores pictures of URL previews.</summary>
    public const long Server = 0;

    /// <summary>Stands in the place of a user's nid: all other servers, whose media are kept.</summary>
    public const long OtherServers = -1;

    public static MediaRow? Find(Session db, string mediaId)
    {
        using var query = db.Prepare(FindSql).Bind(mediaId);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>How many ids a user has that wait for a file.</summary>
    public static long UploadsWaiting(Session db, long user, long now)
    {
        using var query = db.Prepare(UploadsWaitingSql).Bind(user).Bind(now);
        return query.Step() ? query.Int64(0) : 0;
    }

    /// <summary>Whether any id stands for the file.</summary>
    public static bool IsReferredTo(Session db, MediaHash hash)
    {
        using var query = db.Prepare(IsReferredToSql).Bind(hash.ToBytes());
        return query.Step();
    }

    /// <summary>Adds an id without a file; returns its nid.</summary>
    /// <param name="expiresTs">When it is forgotten, ms since the Unix epoch; null where the file follows in the same transaction.</param>
    public static long Insert(WriteTransaction db, string mediaId, long user, long createdTs, long? expiresTs)
    {
        using var insert = db.Prepare(InsertSql).Bind(mediaId).Bind(user).Bind(createdTs).Bind(expiresTs).Bind(createdTs);
        insert.Run();
        return db.LastInsertRowId;
    }

    /// <summary>Gives an id its file, which is quarantined if the same bytes are under another id.</summary>
    /// <returns>False if it has one already, or is gone.</returns>
    public static bool TrySetFile(WriteTransaction db, long media, long user, MediaFile file)
    {
        var quarantined = IsQuarantined(db, file.Hash);
        using var update = db.Prepare(SetFileSql)
            .Bind(file.Hash.ToBytes()).Bind(file.Bytes).Bind(file.Type).Bind(file.Name).Bind(quarantined).Bind(media);
        update.Run();
        if (update.Changes == 0)
        {
            return false;
        }

        AddUsage(db, user, file.Bytes);
        return true;
    }

    /// <summary>Whether the bytes are in quarantine.</summary>
    public static bool IsQuarantined(Session db, MediaHash hash)
    {
        using var query = db.Prepare(IsQuarantinedSql).Bind(hash.ToBytes());
        return query.Step();
    }

    /// <summary>Sets the mark on every id of the bytes, here and on other servers.</summary>
    /// <param name="by">Nid of the administrator.</param>
    public static void Quarantine(WriteTransaction db, MediaHash hash, long by) => Mark(db, hash, true, by);

    /// <summary>Clears the mark on every id of the bytes.</summary>
    public static void Unquarantine(WriteTransaction db, MediaHash hash) => Mark(db, hash, false, null);

    /// <summary>Whether any id of the bytes is never to be quarantined.</summary>
    public static bool IsProtected(Session db, MediaHash hash)
    {
        using var query = db.Prepare(IsProtectedSql).Bind(hash.ToBytes());
        return query.Step();
    }

    public static void Protect(WriteTransaction db, long media, bool isProtected)
    {
        using var update = db.Prepare(ProtectSql).Bind(isProtected).Bind(media);
        update.Run();
    }

    public static void Accessed(WriteTransaction db, long media, long ts)
    {
        using var update = db.Prepare(AccessedSql).Bind(ts).Bind(media);
        update.Run();
    }

    /// <summary>Deletes an id. Its file stays; it may be that of others.</summary>
    public static void Delete(WriteTransaction db, MediaRow media)
    {
        using var delete = db.Prepare(DeleteSql).Bind(media.Nid);
        delete.Run();
        if (delete.Changes == 1 && media.File is { } file)
        {
            AddUsage(db, media.Uploader, -file.Bytes);
        }
    }

    /// <summary>Deletes ids that waited for their file too long.</summary>
    /// <returns>How many, <paramref name="limit"/> at most.</returns>
    public static long DeleteExpired(WriteTransaction db, long now, int limit)
    {
        using var delete = db.Prepare(DeleteExpiredSql).Bind(now).Bind(limit);
        delete.Run();
        return delete.Changes;
    }

    public static bool AnyExpired(Session db, long now)
    {
        using var query = db.Prepare(AnyExpiredSql).Bind(now);
        return query.Step();
    }

    /// <summary>Bytes that the user has uploaded; what two of them share counts twice.</summary>
    public static long Usage(Session db, long user)
    {
        using var query = db.Prepare(UsageSql).Bind(user);
        return query.Step() ? query.Int64(0) : 0;
    }

    /// <summary>What the server itself stored of a file.</summary>
    public static MediaRow? FindOfServer(Session db, MediaHash hash)
    {
        using var query = db.Prepare(FindOwnSql).Bind(hash.ToBytes());
        return query.Step() ? Read(query) : null;
    }

    /// <summary>What the server itself stored, and nobody has asked for since the longest; null: nothing.</summary>
    public static MediaRow? OldestOfServer(Session db)
    {
        using var query = db.Prepare(OldestOwnSql);
        return query.Step() ? Read(query) : null;
    }

    private static void Mark(WriteTransaction db, MediaHash hash, bool quarantined, long? by)
    {
        foreach (var sql in (string[])[QuarantineSql, QuarantineRemoteSql])
        {
            using var update = db.Prepare(sql).Bind(quarantined).Bind(by).Bind(hash.ToBytes());
            update.Run();
        }
    }

    internal static void AddUsage(WriteTransaction db, long user, long bytes)
    {
        using var upsert = db.Prepare(AddUsageSql).Bind(user).Bind(bytes);
        upsert.Run();
    }

    internal static MediaRow Read(Statement query) => new(
        query.Int64(0),
        query.Text(1),
        query.Int64(2),
        query.Int64(3),
        query.Int64OrNull(4),
        query.IsNull(5) ? null : new MediaFile(MediaHash.From(query.Blob(5)), query.Int64(6), query.TextOrNull(7), query.TextOrNull(8)),
        query.Int64(9) != 0,
        query.Int64(10),
        query.Int64OrNull(11),
        query.Int64(12) != 0);
}
