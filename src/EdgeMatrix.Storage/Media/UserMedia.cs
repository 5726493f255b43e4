namespace EdgeMatrix.Storage.Media;

/// <summary>What a list of a user's media is ordered by, then by their ids.</summary>
public enum MediaOrder
{
    Created,
    Id,
    Name,
    Accessed,
    Bytes,
    Type,
    Quarantined,
    Protected,
}

/// <param name="Bytes">What they take; the same bytes under two ids count twice.</param>
/// <param name="DisplayName">JSON text of the profile's field; null if it has none.</param>
public sealed record MediaUse(string UserId, string? DisplayName, long Count, long Bytes);

/// <summary>What a list of those who have uploaded media is ordered by, then by their ids.</summary>
public enum MediaUseOrder
{
    UserId,
    DisplayName,
    Bytes,
    Count,
}

/// <param name="Term">In the user id before its colon or in the display name, in whatever case; null: any.</param>
/// <param name="FromTs">Media made then or later count, ms since the Unix epoch; null: all.</param>
/// <param name="UntilTs">Media made then or before count.</param>
public sealed record MediaUseQuery(string? Term, long? FromTs, long? UntilTs, MediaUseOrder Order, bool Backward);

/// <summary>Questions of administrators about the <c>media</c> table.</summary>
public static class UserMedia
{
    private const string HaveFiles = "uploader = ? AND hash IS NOT NULL";
    private const string CountSql = $"SELECT count(*) FROM media WHERE {HaveFiles}";

    private const string IdleSql = """
        SELECT media_id FROM media WHERE hash IS NOT NULL AND accessed_ts < ? AND bytes > ? AND uploader <> 0 ORDER BY nid
        """;

    private const string UseSql = """
        FROM (SELECT uploader, count(*) AS count, sum(bytes) AS bytes FROM media
            WHERE uploader <> 0 AND hash IS NOT NULL AND created_ts >= ?2 AND created_ts <= ?3 GROUP BY uploader) m
        JOIN users u ON u.nid = m.uploader LEFT JOIN profiles p ON p.user = m.uploader AND p.field = 'displayname'
        WHERE ?1 IS NULL OR instr(substr(u.user_id, 1, instr(u.user_id, ':') - 1), ?1) > 0 OR instr(lower(p.value), ?1) > 0
        """;

    private const string UsedAsPictureSql = "SELECT value FROM profiles WHERE field = 'avatar_url'";

    /// <summary>A page of the media that a user has uploaded.</summary>
    public static List<MediaRow> Page(Session db, long user, MediaOrder order, bool backward, long offset, long limit)
    {
        var column = order switch
        {
            MediaOrder.Id => "media_id",
            MediaOrder.Name => "name",
            MediaOrder.Accessed => "accessed_ts",
            MediaOrder.Bytes => "bytes",
            MediaOrder.Type => "type",
            MediaOrder.Quarantined => "quarantined_by",
            MediaOrder.Protected => "protected",
            _ => "created_ts",
        };
        using var query = db.Prepare(
            $"SELECT {MediaTable.Columns} FROM media WHERE {HaveFiles} ORDER BY {column} {(backward ? "DESC" : "ASC")}, media_id LIMIT ? OFFSET ?");
        query.Bind(user).Bind(limit).Bind(offset);
        var media = new List<MediaRow>();
        while (query.Step())
        {
            media.Add(MediaTable.Read(query));
        }

        return media;
    }

    /// <summary>How many media a user has uploaded.</summary>
    public static long Count(Session db, long user)
    {
        using var query = db.Prepare(CountSql).Bind(user);
        return query.Step() ? query.Int64(0) : 0;
    }

    /// <summary>Media of users that nobody has asked for since a time and that are larger than so many bytes.</summary>
    public static List<string> Idle(Session db, long beforeTs, long moreThanBytes)
    {
        using var query = db.Prepare(IdleSql).Bind(beforeTs).Bind(moreThanBytes);
        var media = new List<string>();
        while (query.Step())
        {
            media.Add(query.Text(0));
        }

        return media;
    }

    /// <summary>The avatars in profiles, each the JSON text of its URI, read as they are asked for.</summary>
    public static IEnumerable<string> Avatars(Session db)
    {
        using var query = db.Prepare(UsedAsPictureSql);
        while (query.Step())
        {
            yield return query.Text(0);
        }
    }

    /// <summary>A page of those who have uploaded media, and how many there are.</summary>
    public static (List<MediaUse> Users, long Total) Use(Session db, MediaUseQuery asked, long offset, long limit)
    {
        var column = asked.Order switch
        {
            MediaUseOrder.DisplayName => "lower(p.value)",
            MediaUseOrder.Bytes => "m.bytes",
            MediaUseOrder.Count => "m.count",
            _ => "u.user_id",
        };
        var users = new List<MediaUse>();
        using (var page = Bind(
            db.Prepare($"SELECT u.user_id, p.value, m.count, m.bytes {UseSql} ORDER BY {column} {(asked.Backward ? "DESC" : "ASC")}, u.user_id LIMIT ?4 OFFSET ?5"), asked))
        {
            page.Bind(limit).Bind(offset);
            while (page.Step())
            {
                users.Add(new MediaUse(page.Text(0), page.TextOrNull(1), page.Int64(2), page.Int64(3)));
            }
        }

        using var count = Bind(db.Prepare($"SELECT count(*) {UseSql}"), asked);
        return (users, count.Step() ? count.Int64(0) : 0);
    }

    private static Statement Bind(Statement query, MediaUseQuery asked) =>
        query.Bind(asked.Term?.ToLowerInvariant()).Bind(asked.FromTs ?? 0).Bind(asked.UntilTs ?? long.MaxValue);
}
