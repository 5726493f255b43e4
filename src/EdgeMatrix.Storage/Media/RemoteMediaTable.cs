namespace EdgeMatrix.Storage.Media;

/// <param name="Quarantined">Nobody may have it.</param>
/// <param name="AccessedTs">When it was last asked for, ms since the Unix epoch, a day coarse.</param>
public sealed record RemoteMediaRow(long Nid, string Server, string MediaId, MediaFile File, bool Quarantined, long AccessedTs);

/// <summary>The <c>remote_media</c> table: media of other servers that were fetched, and are kept until others need their room.</summary>
public static class RemoteMediaTable
{
    private const string Columns = "nid, server, media_id, hash, bytes, type, name, quarantined, accessed_ts";
    private const string FindSql = $"SELECT {Columns} FROM remote_media WHERE server = ? AND media_id = ?";

    // What is in quarantine stays, so that it is not fetched and given out anew.
    private const string OldestSql =
        $"SELECT {Columns} FROM remote_media WHERE quarantined = 0 AND accessed_ts < ? ORDER BY accessed_ts LIMIT 1";

    private const string InsertSql = """
        INSERT INTO remote_media (server, media_id, hash, bytes, type, name, quarantined, fetched_ts, accessed_ts)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?8, ?8)
        ON CONFLICT (server, media_id) DO NOTHING
        """;

    private const string AccessedSql = "UPDATE remote_media SET accessed_ts = ? WHERE nid = ?";
    private const string DeleteSql = "DELETE FROM remote_media WHERE nid = ?";

    public static RemoteMediaRow? Find(Session db, string server, string mediaId)
    {
        using var query = db.Prepare(FindSql).Bind(server).Bind(mediaId);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>What nobody has asked for since the longest, if that is before a time, ms since the Unix epoch; null: nothing.</summary>
    public static RemoteMediaRow? Oldest(Session db, long beforeTs)
    {
        using var query = db.Prepare(OldestSql).Bind(beforeTs);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>Adds what was fetched, in quarantine if the same bytes are; what is there already stays as it is.</summary>
    public static void Insert(WriteTransaction db, string server, string mediaId, MediaFile file, long nowTs)
    {
        using var insert = db.Prepare(InsertSql)
            .Bind(server).Bind(mediaId).Bind(file.Hash.ToBytes()).Bind(file.Bytes).Bind(file.Type).Bind(file.Name)
            .Bind(MediaTable.IsQuarantined(db, file.Hash)).Bind(nowTs);
        insert.Run();
        if (insert.Changes == 1)
        {
            MediaTable.AddUsage(db, MediaTable.OtherServers, file.Bytes);
        }
    }

    public static void Accessed(WriteTransaction db, long media, long ts)
    {
        using var update = db.Prepare(AccessedSql).Bind(ts).Bind(media);
        update.Run();
    }

    /// <summary>Deletes the row. Its file stays; it may be that of others.</summary>
    public static void Delete(WriteTransaction db, RemoteMediaRow media)
    {
        using var delete = db.Prepare(DeleteSql).Bind(media.Nid);
        delete.Run();
        if (delete.Changes == 1)
        {
            MediaTable.AddUsage(db, MediaTable.OtherServers, -media.File.Bytes);
        }
    }

    private static RemoteMediaRow Read(Statement query) => new(
        query.Int64(0),
        query.Text(1),
        query.Text(2),
        new MediaFile(MediaHash.From(query.Blob(3)), query.Int64(4), query.TextOrNull(5), query.TextOrNull(6)),
        query.Int64(7) != 0,
        query.Int64(8));
}
