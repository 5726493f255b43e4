using System.Buffers.Binary;
using System.Security.Cryptography;
using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Storage.Rooms;

/// <summary>What a relation aggregates to, where it does.</summary>
public enum AggregatedRelation
{
    Replace = 1,
    Reference = 2,
    Thread = 3,
}

/// <summary>A child event that counts for the aggregation of its parent; of a thread, its newest reply.</summary>
/// <param name="Parent">The key of the parent.</param>
/// <param name="Timeline">Order of the child.</param>
/// <param name="Event">Nid of the child.</param>
/// <param name="Sender">Nid of the child's sender.</param>
/// <param name="EventId">Id of a reference; null of others.</param>
/// <param name="State">The node of the state after a reference.</param>
/// <param name="Replies">How many events a thread has.</param>
/// <param name="Participated">Whether the asking user has replied in the thread.</param>
public readonly record struct AggregatedRow(
    long Parent, AggregatedRelation Kind, long Timeline, long Event, long Sender, string? EventId, long State, long Replies, bool Participated);

/// <summary>Where a child event stands.</summary>
public readonly record struct ChildRow(long Timeline, long Event);

/// <summary>
/// The <c>relations</c> table: which events of a room's timeline relate to which. A parent is known by a key made of its id, so that
/// it may come after its children, or never.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#forming-relationships-between-events</remarks>
public static class RelationTable
{
    private const string InsertSql = """
        INSERT INTO relations (room, parent, rel_type, timeline, event, sender, type) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """;

    private const string DeleteSql = "DELETE FROM relations WHERE room = ? AND parent = ? AND rel_type = ? AND timeline = ?";

    private const string BackwardSql = """
        SELECT timeline, event FROM relations WHERE room = ?1 AND parent = ?2 AND rel_type = ?3 AND timeline <= ?4 AND timeline > ?5
        ORDER BY timeline DESC LIMIT ?6
        """;

    private const string ForwardSql = """
        SELECT timeline, event FROM relations WHERE room = ?1 AND parent = ?2 AND rel_type = ?3 AND timeline > ?4 AND timeline <= ?5
        ORDER BY timeline LIMIT ?6
        """;

    private const string BackwardOfTypeSql = """
        SELECT timeline, event FROM relations INDEXED BY relations_by_type
        WHERE room = ?1 AND parent = ?2 AND rel_type = ?3 AND type = ?7 AND timeline <= ?4 AND timeline > ?5
        ORDER BY timeline DESC LIMIT ?6
        """;

    private const string ForwardOfTypeSql = """
        SELECT timeline, event FROM relations INDEXED BY relations_by_type
        WHERE room = ?1 AND parent = ?2 AND rel_type = ?3 AND type = ?7 AND timeline > ?4 AND timeline <= ?5
        ORDER BY timeline LIMIT ?6
        """;

    // Every step looks up the next relation type; children are not read.
    private const string NextTypeSql = "SELECT min(rel_type) FROM relations WHERE room = ? AND parent = ? AND rel_type > ?";

    private const string ChildrenSql = """
        SELECT r.timeline, r.event FROM json_each(?2) p CROSS JOIN relations r WHERE r.room = ?1 AND r.parent = p.value
        AND r.rel_type = coalesce(?3, r.rel_type) AND r.type = coalesce(?4, r.type) LIMIT ?5
        """;

    private const string OfSenderSql = """
        SELECT event FROM relations WHERE room = ? AND parent = ? AND rel_type = ? AND sender = ? AND type = ? ORDER BY timeline DESC LIMIT ?
        """;

    private const string HasSenderSql = "SELECT 1 FROM relations WHERE room = ? AND parent = ? AND rel_type = ? AND sender = ? LIMIT 1";

    private const string CountOfSendersSql = """
        SELECT count(*) FROM relations WHERE room = ? AND parent = ? AND rel_type = ? AND sender IN (SELECT value FROM json_each(?))
        """;

    private const string ReplaceType = "(SELECT nid FROM event_types WHERE type = 'm.replace')";
    private const string ReferenceType = "(SELECT nid FROM event_types WHERE type = 'm.reference')";
    private const string ThreadType = "(SELECT nid FROM event_types WHERE type = 'm.thread')";

    // Of edits the newest few are looked at, and of references the newest thousand are listed.
    private const string NewestEdits = $"""
        coalesce((SELECT timeline FROM relations WHERE room = ?1 AND parent = p.value AND rel_type = {ReplaceType}
        ORDER BY timeline DESC LIMIT 1 OFFSET 7), -9223372036854775808)
        """;

    private const string NewestReferences = $"""
        coalesce((SELECT timeline FROM relations WHERE room = ?1 AND parent = p.value AND rel_type = {ReferenceType}
        ORDER BY timeline DESC LIMIT 1 OFFSET 999), -9223372036854775808)
        """;

    private const string AggregatedSql = $"""
        SELECT p.value, 1, r.timeline, r.event, r.sender, NULL, 0, 0, 0 FROM json_each(?2) p CROSS JOIN relations r
        WHERE r.room = ?1 AND r.parent = p.value AND r.rel_type = {ReplaceType} AND r.timeline >= {NewestEdits}
        UNION ALL
        SELECT p.value, 2, r.timeline, r.event, r.sender, e.event_id, e.state, 0, 0 FROM json_each(?2) p CROSS JOIN relations r
        CROSS JOIN events e ON e.nid = r.event
        WHERE r.room = ?1 AND r.parent = p.value AND r.rel_type = {ReferenceType} AND r.timeline >= {NewestReferences}
        UNION ALL
        SELECT p.value, 3, r.timeline, r.event, r.sender, NULL, 0, t.replies, EXISTS (
            SELECT 1 FROM relations WHERE room = ?1 AND parent = p.value AND rel_type = {ThreadType} AND sender = ?3)
        FROM json_each(?2) p CROSS JOIN threads t ON t.room = ?1 AND t.root = p.value
        CROSS JOIN relations r ON r.room = ?1 AND r.parent = p.value AND r.rel_type = {ThreadType} AND r.timeline = t.latest
        """;

    /// <summary>
    /// The key of a parent: 8 bytes that tell ids apart. They are those of a hash, even where the id is one, for whoever relates to an event
    /// writes its id as they like, and could begin it as that of another.
    /// </summary>
    public static long Key(string eventId) => BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(EventIdBytes.Encode(eventId)));

    /// <summary>Takes in what an event of the timeline relates to.</summary>
    /// <param name="sender">Nid of the event's sender.</param>
    /// <param name="type">Nid of the event's type.</param>
    public static void Add(WriteTransaction db, long room, long timeline, long @event, long sender, long type, EventRelation relation)
    {
        var (parent, relType) = (Key(relation.EventId), EventTypeTable.Intern(db, relation.RelType));
        using var insert = db.Prepare(InsertSql)
            .Bind(room).Bind(parent).Bind(relType).Bind(timeline).Bind(@event).Bind(sender).Bind(type);
        insert.Run();
        if (insert.Changes == 1 && relation.RelType == EventRelation.Thread)
        {
            ThreadTable.Add(db, room, parent, timeline);
        }
    }

    /// <summary>The event is redacted or deleted: it relates to nothing any more.</summary>
    public static void Remove(WriteTransaction db, long room, long timeline, EventRelation relation)
    {
        if (EventTypeTable.Find(db, relation.RelType) is not { } relType)
        {
            return;
        }

        var parent = Key(relation.EventId);
        using var delete = db.Prepare(DeleteSql).Bind(room).Bind(parent).Bind(relType).Bind(timeline);
        delete.Run();
        if (delete.Changes == 1 && relation.RelType == EventRelation.Thread)
        {
            ThreadTable.Remove(db, room, parent, relType);
        }
    }

    /// <summary>Children of one relation type, newest first, from <paramref name="from"/> (inclusive) down to <paramref name="until"/> (exclusive).</summary>
    /// <param name="type">Nid of the children's event type; null for all.</param>
    public static List<ChildRow> Backward(Session db, long room, long parent, long relType, long? type, long from, long until, int limit) =>
        Read(OfType(db, type is null ? BackwardSql : BackwardOfTypeSql, room, parent, relType, type, from, until, limit));

    /// <summary>As <see cref="Backward"/>, oldest first, after <paramref name="from"/> (exclusive) up to <paramref name="until"/> (inclusive).</summary>
    public static List<ChildRow> Forward(Session db, long room, long parent, long relType, long? type, long from, long until, int limit) =>
        Read(OfType(db, type is null ? ForwardSql : ForwardOfTypeSql, room, parent, relType, type, from, until, limit));

    /// <summary>Nids of the relation types of a parent's children.</summary>
    public static List<long> TypesOf(Session db, long room, long parent)
    {
        var types = new List<long>();
        for (long? last = 0; last is not null;)
        {
            using var query = db.Prepare(NextTypeSql).Bind(room).Bind(parent).Bind(last);
            last = query.Step() ? query.Int64OrNull(0) : null;
            if (last is { } type)
            {
                types.Add(type);
            }
        }

        return types;
    }

    /// <summary>Children of several parents, in no particular order.</summary>
    public static List<ChildRow> Children(Session db, long room, IEnumerable<long> parents, long? relType, long? type, int limit) =>
        Read(db.Prepare(ChildrenSql).Bind(room).Bind(JsonList(parents)).Bind(relType).Bind(type).Bind(limit));

    /// <summary>Nids of the events of one sender and type that relate to a parent, newest first.</summary>
    public static List<long> OfSender(Session db, long room, long parent, long relType, long sender, long type, int limit)
    {
        using var query = db.Prepare(OfSenderSql).Bind(room).Bind(parent).Bind(relType).Bind(sender).Bind(type).Bind(limit);
        var events = new List<long>();
        while (query.Step())
        {
            events.Add(query.Int64(0));
        }

        return events;
    }

    public static bool HasSender(Session db, long room, long parent, long relType, long sender)
    {
        using var query = db.Prepare(HasSenderSql).Bind(room).Bind(parent).Bind(relType).Bind(sender);
        return query.Step();
    }

    public static long CountOfSenders(Session db, long room, long parent, long relType, IEnumerable<long> senders)
    {
        using var query = db.Prepare(CountOfSendersSql).Bind(room).Bind(parent).Bind(relType).Bind(JsonList(senders));
        return query.Step() ? query.Int64(0) : 0;
    }

    /// <summary>What there is to aggregate of several parents, in one reading.</summary>
    /// <param name="user">Nid of the asking user.</param>
    public static List<AggregatedRow> Aggregated(Session db, long room, IEnumerable<long> parents, long user)
    {
        using var query = db.Prepare(AggregatedSql).Bind(room).Bind(JsonList(parents)).Bind(user);
        var rows = new List<AggregatedRow>();
        while (query.Step())
        {
            rows.Add(new AggregatedRow(
                query.Int64(0), (AggregatedRelation)query.Int64(1), query.Int64(2), query.Int64(3), query.Int64(4),
                query.IsNull(5) ? null : EventIdBytes.Decode(query.Blob(5)), query.Int64(6), query.Int64(7), query.Int64(8) != 0));
        }

        return rows;
    }

    internal static string JsonList(IEnumerable<long> numbers) => $"[{string.Join(',', numbers)}]";

    private static Statement OfType(
        Session db, string sql, long room, long parent, long relType, long? type, long from, long until, int limit)
    {
        var query = db.Prepare(sql).Bind(room).Bind(parent).Bind(relType).Bind(from).Bind(until).Bind(limit);
        return type is { } wanted ? query.Bind(wanted) : query;
    }

    private static List<ChildRow> Read(Statement query)
    {
        using (query)
        {
            var rows = new List<ChildRow>();
            while (query.Step())
            {
                rows.Add(new ChildRow(query.Int64(0), query.Int64(1)));
            }

            return rows;
        }
    }
}
