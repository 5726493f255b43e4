namespace EdgeMatrix.Storage.Accounts;

/// <param name="Nid">0 in one that is to be added.</param>
/// <param name="ReceivedTs">ms since the Unix epoch.</param>
/// <param name="Reporter">User id of who complains.</param>
/// <param name="RoomId">Null where a user is reported.</param>
/// <param name="EventId">Null where a room or a user is reported.</param>
/// <param name="UserId">The sender of the event, or the user; null where a room is reported.</param>
public sealed record ReportRow(
    long Nid, long ReceivedTs, string Reporter, string? RoomId, string? EventId, string? UserId, string? Reason, long? Score);

/// <summary>The <c>reports</c> table: what users find should not be there. Of each user the newest are kept.</summary>
public static class ReportTable
{
    /// <summary>How many reports of one user are kept.</summary>
    public const int MaxOfReporter = 1_000;

    private const string Columns = "r.nid, r.received_ts, u.user_id, r.room_id, r.event_id, r.user_id, r.reason, r.score";
    private const string From = "FROM reports r JOIN users u ON u.nid = r.reporter";
    private const string Filters = "WHERE (?1 IS NULL OR instr(u.user_id, ?1) > 0) AND (?2 IS NULL OR instr(coalesce(r.room_id, ''), ?2) > 0)";
    private const string FindSql = $"SELECT {Columns} {From} WHERE r.nid = ?";
    private const string NewestSql = $"SELECT {Columns} {From} {Filters} ORDER BY r.nid DESC LIMIT ?3 OFFSET ?4";
    private const string OldestSql = $"SELECT {Columns} {From} {Filters} ORDER BY r.nid LIMIT ?3 OFFSET ?4";
    private const string CountSql = $"SELECT count(*) {From} {Filters}";
    private const string InsertSql = """
        INSERT INTO reports (received_ts, reporter, room_id, event_id, user_id, reason, score) VALUES (?, ?, ?, ?, ?, ?, ?)
        """;

    private const string DropSql = """
        DELETE FROM reports WHERE reporter = ?1
        AND nid <= (SELECT nid FROM reports WHERE reporter = ?1 ORDER BY nid DESC LIMIT 1 OFFSET ?2)
        """;

    private const string DeleteSql = "DELETE FROM reports WHERE nid = ?";

    /// <param name="reporter">Nid of the user.</param>
    public static void Add(WriteTransaction db, long reporter, ReportRow report)
    {
        using (var insert = db.Prepare(InsertSql)
            .Bind(report.ReceivedTs).Bind(reporter).Bind(report.RoomId).Bind(report.EventId).Bind(report.UserId).Bind(report.Reason).Bind(report.Score))
        {
            insert.Run();
        }

        using var drop = db.Prepare(DropSql).Bind(reporter).Bind(MaxOfReporter);
        drop.Run();
    }

    public static ReportRow? Find(Session db, long nid)
    {
        using var query = db.Prepare(FindSql).Bind(nid);
        return query.Step() ? Read(query) : null;
    }

    /// <param name="reporter">Part of the id of who complained; null: anybody.</param>
    /// <param name="room">Part of the id of the room; null: any or none.</param>
    public static (List<ReportRow> Page, long Total) List(Session db, string? reporter, string? room, bool newestFirst, long limit, long offset)
    {
        var page = new List<ReportRow>();
        using (var query = db.Prepare(newestFirst ? NewestSql : OldestSql).Bind(reporter).Bind(room).Bind(limit).Bind(offset))
        {
            while (query.Step())
            {
                page.Add(Read(query));
            }
        }

        using var count = db.Prepare(CountSql).Bind(reporter).Bind(room);
        return (page, count.Step() ? count.Int64(0) : 0);
    }

    /// <summary>False if there is no such report.</summary>
    public static bool Delete(WriteTransaction db, long nid)
    {
        using var delete = db.Prepare(DeleteSql).Bind(nid);
        delete.Run();
        return delete.Changes == 1;
    }

    private static ReportRow Read(Statement query) => new(
        query.Int64(0), query.Int64(1), query.Text(2), query.TextOrNull(3), query.TextOrNull(4), query.TextOrNull(5), query.TextOrNull(6),
        query.IsNull(7) ? null : query.Int64(7));
}
