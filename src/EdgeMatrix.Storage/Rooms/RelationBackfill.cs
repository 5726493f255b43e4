using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Storage.Rooms;

/// <summary>Takes into <see cref="RelationTable"/> the events that were stored before there was one, newest first.</summary>
/// <remarks>How far it came stands in <c>sequence</c>, as <c>relations</c>: the nid from which on downwards nothing was looked at yet.</remarks>
public static class RelationBackfill
{
    private const string ProgressSql = "SELECT reserved FROM sequence WHERE name = 'relations'";
    private const string SetProgressSql = "UPDATE sequence SET reserved = ? WHERE name = 'relations'";

    private const string EventsSql = """
        SELECT nid, room, timeline, sender, type FROM events WHERE nid <= ? ORDER BY nid DESC LIMIT ?
        """;

    public static bool IsDone(Session db) => Progress(db) == 0;

    /// <summary>Looks at some events.</summary>
    public static void TakeSlice(WriteTransaction db, int events)
    {
        var rows = Read(db, Progress(db), events);
        var versions = new Dictionary<long, RoomVersion?>();
        foreach (var (nid, room, timeline, sender, type) in rows)
        {
            if (!versions.TryGetValue(room, out var version))
            {
                // A room that is being deleted has no row any more.
                versions[room] = version = RoomTable.Find(db, room) is { } row ? RoomVersions.Find(row.Version) : null;
            }

            if (version is not null && timeline is { } order && EventRelation.Of(EventTable.Find(db, nid)!.Parse(version)) is { } relation)
            {
                RelationTable.Add(db, room, order, nid, sender, type, relation);
            }
        }

        using var update = db.Prepare(SetProgressSql).Bind(rows.Count < events ? 0 : rows[^1].Nid - 1);
        update.Run();
    }

    private static long Progress(Session db)
    {
        using var query = db.Prepare(ProgressSql);
        return query.Step() ? query.Int64(0) : 0;
    }

    private static List<(long Nid, long Room, long? Timeline, long Sender, long Type)> Read(Session db, long from, int limit)
    {
        using var query = db.Prepare(EventsSql).Bind(from).Bind(limit);
        var rows = new List<(long Nid, long Room, long? Timeline, long Sender, long Type)>();
        while (query.Step())
        {
            rows.Add((query.Int64(0), query.Int64(1), query.Int64OrNull(2), query.Int64(3), query.Int64(4)));
        }

        return rows;
    }
}
