using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage.Search;

/// <summary>
/// The <c>search</c> table, an index of FTS5: which events have which words. It holds neither texts nor places of words, and besides its
/// words each event has one that stands for its room, so that a search reads of the rooms that it is for.
/// </summary>
/// <remarks>
/// Events are taken in later than they are stored, many at once, as each write makes a segment of its own. How far that came stands in
/// <c>sequence</c>, as <c>search</c>: the nid up to which all events were looked at.
/// https://sqlite.org/fts5.html#contentless_delete_tables
/// </remarks>
public static class SearchTable
{
    // Of the private use area: no term has it.
    private const char RoomMark = '\uE000';

    // Of the sequence table: how far it came, how many events are in it, and how many went since it was last merged.
    private const string Position = "search";
    private const string Taken = "search_taken";
    private const string Removed = "search_removed";

    private const int RemovedBeforeMerge = 16;
    private const int PagesPerMerge = 64;

    private const string NumberSql = "SELECT reserved FROM sequence WHERE name = ?";

    private const string SetNumberSql = """
        INSERT INTO sequence (name, reserved) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET reserved = excluded.reserved
        """;

    private const string MergeSql = "INSERT INTO search (search, rank) VALUES ('merge', ?)";
    private const string ChangesSql = "SELECT total_changes()";
    private const string BytesSql = "SELECT coalesce(sum(length(block)), 0) FROM search_data";

    private const string WorkSql = """
        SELECT progress, taken, removed, EXISTS (SELECT 1 FROM events WHERE nid > progress) FROM (SELECT
            coalesce((SELECT reserved FROM sequence WHERE name = 'search'), 0) AS progress,
            coalesce((SELECT reserved FROM sequence WHERE name = 'search_taken'), 0) AS taken,
            coalesce((SELECT reserved FROM sequence WHERE name = 'search_removed'), 0) AS removed)
        """;
    private const string NextSql = "SELECT nid, type FROM events WHERE nid > ? ORDER BY nid LIMIT ?";
    private const string AddSql = "INSERT INTO search (rowid, words) VALUES (?, ?)";
    private const string RemoveSql = "DELETE FROM search WHERE rowid = ?";
    private const string ClearSql = "INSERT INTO search (search) VALUES ('delete-all')";

    private const string FindSql = """
        SELECT e.nid, e.room FROM search s CROSS JOIN events e ON e.nid = s.rowid
        WHERE s.search MATCH ? AND s.rowid <= ? AND e.timeline IS NOT NULL ORDER BY s.rowid DESC LIMIT ?
        """;

    /// <summary>The nid up to which events were looked at; 0: none were.</summary>
    public static long Progress(Session db) => Number(db, Position);

    /// <summary>What the index takes. Looks through all of it.</summary>
    public static long Bytes(Session db)
    {
        using var query = db.Prepare(BytesSql);
        return query.Step() ? query.Int64(0) : 0;
    }

    /// <summary>What there is to do.</summary>
    /// <returns>
    /// Whether anything is in the index, whether there are events to take in, and whether so much went that it is worth being written anew:
    /// what goes is marked, and stays in it until segments are merged.
    /// </returns>
    public static (bool Begun, bool IsBehind, bool IsWorthMerging) Work(Session db)
    {
        using var query = db.Prepare(WorkSql);
        return query.Step()
            ? (query.Int64(0) > 0, query.Int64(3) != 0, query.Int64(2) is var removed && removed > RemovedBeforeMerge && removed > query.Int64(1) / 4)
            : default;
    }

    /// <summary>Merges a little of it; what went is gone when all is merged.</summary>
    /// <param name="begin">Whether this is the first time of a series.</param>
    /// <returns>Whether there is more to do.</returns>
    public static bool Merge(WriteTransaction db, bool begin)
    {
        // "If the difference between the two values is 2 or greater, then the merge did some work."
        var before = Changes(db);
        using (var merge = db.Prepare(MergeSql).Bind(begin ? -PagesPerMerge : PagesPerMerge))
        {
            merge.Run();
        }

        var more = Changes(db) - before >= 2;
        if (!more)
        {
            SetNumber(db, Removed, 0);
        }

        return more;
    }

    /// <summary>Takes in the next events.</summary>
    /// <returns>Whether there may be more.</returns>
    public static bool TakeSlice(WriteTransaction db, int events)
    {
        var types = new[] { SearchableText.Message, SearchableText.Name, SearchableText.Topic }.Select(type => EventTypeTable.Find(db, type)).ToList();
        var next = Next(db, Progress(db), events);
        var taken = 0;
        foreach (var (nid, type) in next)
        {
            if (types.Contains(type) && EventTable.Find(db, nid) is { } stored && Words(stored) is { } words)
            {
                using var insert = db.Prepare(AddSql).Bind(nid).Bind(words);
                insert.Run();
                taken++;
            }
        }

        if (next.Count > 0)
        {
            SetNumber(db, Position, next[^1].Nid);
            SetNumber(db, Taken, Number(db, Taken) + taken);
        }

        return next.Count == events;
    }

    /// <summary>Takes out an event that is about to be emptied or deleted.</summary>
    public static void Remove(WriteTransaction db, long nid)
    {
        if (nid <= Progress(db) && EventTable.Find(db, nid) is { } stored && Words(stored) is not null)
        {
            using var delete = db.Prepare(RemoveSql).Bind(nid);
            delete.Run();
            SetNumber(db, Taken, Number(db, Taken) - 1);
            SetNumber(db, Removed, Number(db, Removed) + 1);
        }
    }

    /// <summary>Takes out all, and begins anew.</summary>
    public static void Clear(WriteTransaction db)
    {
        using var delete = db.Prepare(ClearSql);
        delete.Run();
        foreach (var name in (string[])[Position, Taken, Removed])
        {
            SetNumber(db, name, 0);
        }
    }

    /// <summary>Events of timelines in which there are words that begin like all of the terms, newest first.</summary>
    /// <param name="terms">Of <see cref="SearchTerms"/>, one at least.</param>
    /// <param name="rooms">Of which rooms; null: of all.</param>
    /// <param name="upTo">The greatest nid.</param>
    public static List<(long Nid, long Room)> Find(Session db, IReadOnlyList<string> terms, IReadOnlyCollection<long>? rooms, long upTo, int limit)
    {
        var expression = string.Join(" AND ", terms.Distinct().Select(term => $"\"{term}\"*"));
        if (rooms is not null)
        {
            expression = $"({expression}) AND ({string.Join(" OR ", rooms.Select(room => $"\"{RoomWord(room)}\""))})";
        }

        var found = new List<(long, long)>();
        using var query = db.Prepare(FindSql).Bind(expression).Bind(upTo).Bind(limit);
        while (query.Step())
        {
            found.Add((query.Int64(0), query.Int64(1)));
        }

        return found;
    }

    private static string? Words(StoredEvent stored) => SearchableText.OfEvent(stored.Json) is { } text && SearchTerms.Of(text) is { Count: > 0 } terms
        ? string.Join(' ', terms.Append(RoomWord(stored.Room)))
        : null;

    private static string RoomWord(long room) => $"{RoomMark}{room}";

    private static List<(long Nid, long Type)> Next(Session db, long after, int limit)
    {
        using var query = db.Prepare(NextSql).Bind(after).Bind(limit);
        var next = new List<(long, long)>();
        while (query.Step())
        {
            next.Add((query.Int64(0), query.Int64(1)));
        }

        return next;
    }

    private static long Changes(Session db)
    {
        using var query = db.Prepare(ChangesSql);
        return query.Step() ? query.Int64(0) : 0;
    }

    private static long Number(Session db, string name)
    {
        using var query = db.Prepare(NumberSql).Bind(name);
        return query.Step() ? query.Int64(0) : 0;
    }

    private static void SetNumber(WriteTransaction db, string name, long number)
    {
        using var upsert = db.Prepare(SetNumberSql).Bind(name).Bind(number);
        upsert.Run();
    }
}
