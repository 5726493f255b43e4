namespace EdgeMatrix.Storage.Federation;

/// <summary>What another server is known by, and is told.</summary>
/// <param name="Standing">How it stands with it, as it is on the disk; null: it was never heard from.</param>
public sealed record KnownDestination(string Server, DestinationRow? Standing, OutgoingCursor Cursor);

/// <summary>What a list of other servers is sorted by.</summary>
public enum DestinationOrder
{
    Server,

    /// <summary>Since when they do not answer.</summary>
    FailingSince,

    /// <summary>When they are tried again.</summary>
    Next,

    /// <summary>Up to which position they have everything.</summary>
    Position,
}

/// <summary>The other servers of which anything is known: those in rooms, and all that were ever told something or heard from.</summary>
public static class DestinationListing
{
    private const string Known = """
        (SELECT server FROM destinations UNION SELECT server FROM outgoing_cursors
            UNION SELECT server FROM room_servers UNION SELECT server FROM outgoing_messages) k
        """;

    private const string Matching = "(?1 IS NULL OR instr(k.server, ?1) > 0)";
    private const string CountSql = $"SELECT count(*) FROM {Known} WHERE {Matching}";
    private const string ExistsSql = $"SELECT 1 FROM {Known} WHERE k.server = ?1";

    /// <param name="part">What their names contain; null: anything.</param>
    public static long Count(Session db, string? part)
    {
        using var query = db.Prepare(CountSql).Bind(part);
        return query.Step() ? query.Int64(0) : 0;
    }

    public static bool Contains(Session db, string server)
    {
        using var query = db.Prepare(ExistsSql).Bind(server);
        return query.Step();
    }

    /// <param name="part">As of <see cref="Count"/>.</param>
    public static List<KnownDestination> Page(Session db, string? part, DestinationOrder order, bool backward, long offset, long limit)
    {
        using var query = db.Prepare(PageSql(order, backward)).Bind(part).Bind(limit).Bind(offset);
        var page = new List<KnownDestination>();
        while (query.Step())
        {
            var server = query.Text(0);
            page.Add(new KnownDestination(
                server,
                query.IsNull(1) ? null : new DestinationRow(server, query.Int64(1), query.Int64OrNull(2), query.Int64(3), query.Int64OrNull(4)),
                query.IsNull(5) ? default : new OutgoingCursor(query.Int64(5), query.Int64OrNull(6))));
        }

        return page;
    }

    private static string PageSql(DestinationOrder order, bool backward)
    {
        var column = order switch
        {
            DestinationOrder.FailingSince => "d.failing_since_ts",
            DestinationOrder.Next => "d.next_ts",
            DestinationOrder.Position => "c.position",
            _ => "k.server",
        };
        return $"""
            SELECT k.server, d.failures, d.failing_since_ts, d.next_ts, d.last_heard_ts, c.position, c.success_ts
            FROM {Known} LEFT JOIN destinations d ON d.server = k.server LEFT JOIN outgoing_cursors c ON c.server = k.server
            WHERE {Matching} ORDER BY {column} {(backward ? "DESC" : "ASC")}, k.server LIMIT ?2 OFFSET ?3
            """;
    }
}
