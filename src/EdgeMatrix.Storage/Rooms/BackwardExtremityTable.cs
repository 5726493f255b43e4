namespace EdgeMatrix.Storage.Rooms;

/// <summary>A stretch of a room's timeline that is not here.</summary>
/// <param name="Low">Order of the last event before it; <see cref="BackwardExtremityTable.Beginning"/> where none is known.</param>
/// <param name="Order">The least order of the events after it of which what they follow is missing.</param>
public readonly record struct TimelineGap(long Low, long Order);

/// <summary>
/// The <c>backward_extremities</c> table: events that follow others which are not here. They stand after gaps of the timeline; a gap has orders to spare,
/// and what is fetched later takes the highest that are free.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events</remarks>
public static class BackwardExtremityTable
{
    /// <summary>Before the first event of any timeline. It is exact in JSON numbers.</summary>
    public const long Beginning = -(1L << 53);

    /// <summary>So many orders are left free in a gap that has events on both sides.</summary>
    public const long OrdersInGap = 1L << 20;

    /// <summary>So many are remembered of a room; the oldest gaps are forgotten first, and stay as they are.</summary>
    private const int MostOfRoom = 500;

    private const string InsertSql = """
        INSERT INTO backward_extremities (room, low, event, timeline) VALUES (?, ?, ?, ?) ON CONFLICT (room, event) DO NOTHING
        """;

    private const string TrimSql = """
        DELETE FROM backward_extremities WHERE room = ?1 AND event IN (
            SELECT event FROM backward_extremities WHERE room = ?1 ORDER BY low DESC, timeline LIMIT -1 OFFSET ?2)
        """;

    private const string DeleteSql = "DELETE FROM backward_extremities WHERE room = ? AND event = ?";
    private const string DeleteGapSql = "DELETE FROM backward_extremities WHERE room = ? AND low = ?";
    private const string OfGapSql = "SELECT event FROM backward_extremities WHERE room = ? AND low = ? ORDER BY timeline DESC LIMIT ?";

    private const string GapsSql = "SELECT low, min(timeline) AS first FROM backward_extremities WHERE room = ? GROUP BY low";
    private const string NewestSql = $"{GapsSql} HAVING first > ? AND first <= ? ORDER BY low DESC LIMIT 1";
    private const string LastBetweenSql = $"{GapsSql} HAVING low < ? AND first > ? ORDER BY low DESC LIMIT 1";
    private const string FirstBetweenSql = $"{GapsSql} HAVING first > ? AND low < ? ORDER BY low LIMIT 1";

    private const string SplitSql = "UPDATE backward_extremities SET low = ? WHERE room = ? AND low = ?";

    /// <param name="event">Nid of the event.</param>
    /// <param name="order">Of the event.</param>
    public static void Add(WriteTransaction db, long room, long low, long @event, long order)
    {
        using (var insert = db.Prepare(InsertSql).Bind(room).Bind(low).Bind(@event).Bind(order))
        {
            insert.Run();
        }

        using var trim = db.Prepare(TrimSql).Bind(room).Bind(MostOfRoom);
        trim.Run();
    }

    /// <summary>What the event follows is here.</summary>
    public static void Delete(WriteTransaction db, long room, long @event)
    {
        using var delete = db.Prepare(DeleteSql).Bind(room).Bind(@event);
        delete.Run();
    }

    /// <summary>Nothing more is to be had of a gap.</summary>
    public static void DeleteGap(WriteTransaction db, long room, long low)
    {
        using var delete = db.Prepare(DeleteGapSql).Bind(room).Bind(low);
        delete.Run();
    }

    /// <summary>Nids of the events after a gap of which something is missing, the newest first.</summary>
    public static List<long> OfGap(Session db, long room, long low, int limit)
    {
        using var query = db.Prepare(OfGapSql).Bind(room).Bind(low).Bind(limit);
        var events = new List<long>();
        while (query.Step())
        {
            events.Add(query.Int64(0));
        }

        return events;
    }

    /// <summary>The last gap of which the first event behind it stands after one order, and not after another.</summary>
    public static TimelineGap? Newest(Session db, long room, long after, long upTo) => Read(db.Prepare(NewestSql).Bind(room).Bind(after).Bind(upTo));

    /// <summary>The first gap that whoever goes back from one place to the event at an order, comes through.</summary>
    public static TimelineGap? Backward(Session db, long room, long from, long to) => Read(db.Prepare(LastBetweenSql).Bind(room).Bind(from).Bind(to));

    /// <summary>The first gap that whoever goes on from one place to the event at an order, comes through.</summary>
    public static TimelineGap? Forward(Session db, long room, long from, long to) => Read(db.Prepare(FirstBetweenSql).Bind(room).Bind(from).Bind(to));

    /// <summary>An event was placed within a gap: what is before it is another.</summary>
    /// <param name="order">Of the event.</param>
    public static void Split(WriteTransaction db, long room, long low, long order)
    {
        using var update = db.Prepare(SplitSql).Bind(order).Bind(room).Bind(low);
        update.Run();
    }

    private static TimelineGap? Read(Statement query)
    {
        using (query)
        {
            return query.Step() ? new TimelineGap(query.Int64(0), query.Int64(1)) : null;
        }
    }
}
