namespace EdgeMatrix.Storage.Rooms;

/// <summary>The <c>events</c> table and the <c>redactions</c> beside it.</summary>
public static class EventTable
{
    private const string Columns = "nid, room, timeline, event_id, flags, state, replaces, state_key IS NOT NULL, body, device, txn_id, frame";

    private const string ByNidSql = $"SELECT {Columns} FROM events WHERE nid = ?";

    private const string ByNidsSql = $"SELECT {Columns} FROM events WHERE nid IN (SELECT value FROM json_each(?))";

    private const string IdsSql = "SELECT event_id FROM events WHERE nid IN (SELECT value FROM json_each(?))";

    private const string ByIdSql = $"SELECT {Columns} FROM events WHERE substr(event_id, 1, 8) = substr(?1, 1, 8) AND event_id = ?1";

    private const string NidByIdSql = "SELECT nid FROM events WHERE substr(event_id, 1, 8) = substr(?1, 1, 8) AND event_id = ?1";

    private const string BackwardSql = $"""
        SELECT {Columns} FROM events WHERE room = ? AND timeline <= ? AND timeline > ? ORDER BY timeline DESC LIMIT ?
        """;

    private const string ForwardSql = $"""
        SELECT {Columns} FROM events WHERE room = ? AND timeline > ? AND timeline <= ? ORDER BY timeline LIMIT ?
        """;

    private const string PlaceByIdSql = """
        SELECT nid, room, timeline FROM events WHERE substr(event_id, 1, 8) = substr(?1, 1, 8) AND event_id = ?1
        """;

    private const string StateEntrySql = """
        SELECT state_key, nid FROM events
        WHERE substr(event_id, 1, 8) = substr(?1, 1, 8) AND event_id = ?1 AND room = ?2 AND state_key IS NOT NULL AND flags & 1 = 0
        """;

    private const string NidsForwardSql = """
        SELECT nid, timeline FROM events WHERE room = ? AND timeline > ? AND timeline <= ? ORDER BY timeline LIMIT ?
        """;

    private const string OfSenderSql = """
        SELECT nid, timeline, sender = ? FROM events WHERE room = ? AND timeline <= ? ORDER BY timeline DESC LIMIT ?
        """;

    private const string NidsOutsideSql = "SELECT nid FROM events WHERE room = ? AND timeline IS NULL AND nid > ? ORDER BY nid LIMIT ?";

    private const string LastTimelineSql = "SELECT max(timeline) FROM events WHERE room = ? AND timeline IS NOT NULL";

    private const string InsertSql = """
        INSERT INTO events (nid, room, timeline, event_id, type, state_key, sender, flags, state, replaces, body, device, txn_id, frame)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """;

    private const string PlaceSql = "UPDATE events SET timeline = ?, flags = flags & 40 | ?, state = ?, replaces = ? WHERE nid = ?";
    private const string InRoomSql = """
        SELECT 1 FROM events WHERE substr(event_id, 1, 8) = substr(?1, 1, 8) AND event_id = ?1 AND room = ?2 AND flags & 16 = 0
        """;

    private const string TakeOutsideSql = "DELETE FROM events WHERE room = ? AND timeline IS NULL AND flags & 16 <> 0 RETURNING nid";

    private const string RoomSql = "SELECT room, state_key IS NOT NULL FROM events WHERE nid = ?";
    private const string ExistsSql = "SELECT 1 FROM events WHERE nid = ?";
    private const string RedactSql = "UPDATE events SET body = ?, frame = ?, flags = flags | ? WHERE nid = ?";

    private const string InsertRedactionSql = """
        INSERT INTO redactions (event, redaction) VALUES (?, ?) ON CONFLICT (event) DO NOTHING
        """;

    private const string RedactionOfSql = "SELECT redaction FROM redactions WHERE event = ?";

    private const string StateKeySql = """
        SELECT t.type, k.state_key FROM events e JOIN state_keys k ON k.nid = e.state_key JOIN event_types t ON t.nid = k.type WHERE e.nid = ?
        """;

    public static StoredEvent? Find(Session db, long nid)
    {
        if (db.Rows?.Event(nid) is { } known)
        {
            return known;
        }

        using var query = db.Prepare(ByNidSql).Bind(nid);
        return query.Step() ? Read(db, query) : null;
    }

    /// <summary>Those of the events that are there, by their nids.</summary>
    public static Dictionary<long, StoredEvent> FindMany(Session db, IEnumerable<long> nids)
    {
        var list = nids.ToList();
        return list.Count == 0 ? [] : Page(db, db.Prepare(ByNidsSql).Bind(RelationTable.JsonList(list))).ToDictionary(stored => stored.Nid);
    }

    /// <summary>The ids of events, without their bodies.</summary>
    public static List<string> IdsOf(Session db, IEnumerable<long> nids)
    {
        using var query = db.Prepare(IdsSql).Bind(RelationTable.JsonList(nids));
        var ids = new List<string>();
        while (query.Step())
        {
            ids.Add(EventIdBytes.Decode(query.Blob(0)));
        }

        return ids;
    }

    public static StoredEvent? Find(Session db, string eventId)
    {
        using var query = db.Prepare(ByIdSql).Bind(EventIdBytes.Encode(eventId));
        return query.Step() ? Read(db, query) : null;
    }

    public static long? FindNid(Session db, string eventId)
    {
        using var query = db.Prepare(NidByIdSql).Bind(EventIdBytes.Encode(eventId));
        return query.Step() ? query.Int64(0) : null;
    }

    /// <summary>Timeline events, newest first, from <paramref name="from"/> (inclusive) down to <paramref name="until"/> (exclusive).</summary>
    public static List<StoredEvent> Backward(Session db, long room, long from, long until, int limit) =>
        Page(db, db.Prepare(BackwardSql).Bind(room).Bind(from).Bind(until).Bind(limit));

    /// <summary>Timeline events, oldest first, after <paramref name="from"/> (exclusive) up to <paramref name="until"/> (inclusive).</summary>
    public static List<StoredEvent> Forward(Session db, long room, long from, long until, int limit) =>
        Page(db, db.Prepare(ForwardSql).Bind(room).Bind(from).Bind(until).Bind(limit));

    /// <summary>Where an event stands, without unpacking its body; Timeline is null outside of the timeline.</summary>
    public static (long Nid, long Room, long? Timeline)? FindPlace(Session db, string eventId)
    {
        using var query = db.Prepare(PlaceByIdSql).Bind(EventIdBytes.Encode(eventId));
        return query.Step() ? (query.Int64(0), query.Int64(1), query.Int64OrNull(2)) : null;
    }

    /// <summary>What a state event of a room is in a state; null if it is none, is not here, or was rejected.</summary>
    public static StateEntry? FindStateEntry(Session db, long room, string eventId)
    {
        using var query = db.Prepare(StateEntrySql).Bind(EventIdBytes.Encode(eventId)).Bind(room);
        return query.Step() ? new StateEntry(query.Int64(0), query.Int64(1)) : null;
    }

    /// <summary>Whether an event is one of a room's, be it as an outlier.</summary>
    public static bool IsInRoom(Session db, long room, string eventId)
    {
        using var query = db.Prepare(InRoomSql).Bind(EventIdBytes.Encode(eventId)).Bind(room);
        return query.Step();
    }

    /// <summary>Removes the events that were stored while this server was not in the room (<see cref="EventFlags.Outside"/>).</summary>
    /// <returns>Their nids.</returns>
    public static List<long> TakeOutside(WriteTransaction db, long room)
    {
        using var delete = db.Prepare(TakeOutsideSql).Bind(room);
        var nids = new List<long>();
        while (delete.Step())
        {
            nids.Add(delete.Int64(0));
        }

        return nids;
    }

    /// <summary>As <see cref="Forward"/>, without the events.</summary>
    public static List<(long Nid, long Timeline)> NidsForward(Session db, long room, long from, long until, int limit)
    {
        using var query = db.Prepare(NidsForwardSql).Bind(room).Bind(from).Bind(until).Bind(limit);
        var nids = new List<(long Nid, long Timeline)>();
        while (query.Step())
        {
            nids.Add((query.Int64(0), query.Int64(1)));
        }

        return nids;
    }

    /// <summary>Events outside of the timeline, in the order in which they were stored, after the given one.</summary>
    public static List<long> NidsOutside(Session db, long room, long after, int limit)
    {
        using var query = db.Prepare(NidsOutsideSql).Bind(room).Bind(after).Bind(limit);
        var nids = new List<long>();
        while (query.Step())
        {
            nids.Add(query.Int64(0));
        }

        return nids;
    }

    /// <summary>The events of one sender among those at a timeline order and before it, newest first.</summary>
    /// <param name="scanned">How many events, of whoever, are looked at.</param>
    /// <returns>Their nids, and the order to go on from; null at the beginning of the timeline.</returns>
    public static (List<long> Nids, long? Next) OfSender(Session db, long room, long sender, long from, int scanned)
    {
        using var query = db.Prepare(OfSenderSql).Bind(sender).Bind(room).Bind(from).Bind(scanned);
        var nids = new List<long>();
        var (count, last) = (0, from);
        for (; query.Step(); count++)
        {
            last = query.Int64(1);
            if (query.Int64(2) != 0)
            {
                nids.Add(query.Int64(0));
            }
        }

        return (nids, count < scanned ? null : last - 1);
    }

    /// <summary>The end of the room's timeline; null if nothing is in it.</summary>
    public static long? LastTimeline(Session db, long room)
    {
        using var query = db.Prepare(LastTimelineSql).Bind(room);
        return query.Step() ? query.Int64OrNull(0) : null;
    }

    public static bool Exists(Session db, long nid)
    {
        using var query = db.Prepare(ExistsSql).Bind(nid);
        return query.Step();
    }

    public static void Insert(WriteTransaction db, long nid, in NewEvent row, ReadOnlySpan<byte> canonical)
    {
        var (body, frame) = Pack(db, row.Room, row.StateKey is not null, canonical);
        using var insert = db.Prepare(InsertSql)
            .Bind(nid).Bind(row.Room).Bind(row.Timeline).Bind(EventIdBytes.Encode(row.EventId)).Bind(row.Type).Bind(row.StateKey)
            .Bind(row.Sender).Bind((long)row.Flags).Bind(row.State).Bind(row.Replaces).Bind(body)
            .Bind(row.Device).Bind(row.TransactionId).Bind(frame);
        insert.Run();
    }

    /// <summary>Gives an event that was known as somebody's auth event or state its own place in the room.</summary>
    public static void Place(WriteTransaction db, long nid, long? timeline, EventFlags flags, long state, long? replaces)
    {
        using var update = db.Prepare(PlaceSql).Bind(timeline).Bind((long)flags).Bind(state).Bind(replaces).Bind(nid);
        update.Run();
    }

    /// <summary>Puts the redacted form in the place of an event's body; the first redaction is the one remembered.</summary>
    /// <param name="redaction">Nid of the redaction; null: it destroys itself.</param>
    public static void Redact(WriteTransaction db, long nid, long? redaction, ReadOnlySpan<byte> redactedCanonical)
    {
        var (room, isState) = RoomOf(db, nid);
        var (body, frame) = Pack(db, room, isState, redactedCanonical);
        var flags = redaction is null ? EventFlags.Redacted | EventFlags.SelfDestructed : EventFlags.Redacted;
        using var update = db.Prepare(RedactSql).Bind(body).Bind(frame).Bind((long)flags).Bind(nid);
        update.Run();
        if (redaction is not null)
        {
            using var insert = db.Prepare(InsertRedactionSql).Bind(nid).Bind(redaction);
            insert.Run();
        }
    }

    /// <summary>The nid of the redaction that emptied the event, or null.</summary>
    public static long? RedactionOf(Session db, long nid)
    {
        using var query = db.Prepare(RedactionOfSql).Bind(nid);
        return query.Step() ? query.Int64(0) : null;
    }

    /// <summary>The type and state key of a state event, without unpacking its body.</summary>
    public static (string Type, string StateKey)? StateKeyOf(Session db, long nid)
    {
        using var query = db.Prepare(StateKeySql).Bind(nid);
        return query.Step() ? (query.Text(0), query.Text(1)) : null;
    }

    private static List<StoredEvent> Page(Session db, Statement query)
    {
        using (query)
        {
            var events = new List<StoredEvent>();
            while (query.Step())
            {
                events.Add(Read(db, query));
            }

            return events;
        }
    }

    // Messages are many of a kind; of state events hardly two are.
    private static (byte[] Body, long? Frame) Pack(WriteTransaction db, long room, bool isState, ReadOnlySpan<byte> canonical) =>
        !isState && db.Bodies.PackFramed(canonical) is var (frame, own) && EventFrameTable.Intern(db, room, frame) is { } nid
            ? (own, nid)
            : (db.Bodies.Pack(canonical), null);

    private static (long Room, bool IsState) RoomOf(Session db, long nid)
    {
        using var query = db.Prepare(RoomSql).Bind(nid);
        return query.Step() ? (query.Int64(0), query.Int64(1) != 0) : throw new InvalidOperationException($"event {nid} is not stored");
    }

    private static StoredEvent Read(Session db, Statement row)
    {
        var nid = row.Int64(0);
        if (db.Rows?.Event(nid) is { } known)
        {
            return known;
        }

        var stored = new StoredEvent(ReadBody(db, row, nid))
        {
            Nid = nid,
            Room = row.Int64(1),
            Timeline = row.Int64OrNull(2),
            EventId = EventIdBytes.Decode(row.Blob(3)),
            Flags = (EventFlags)row.Int64(4),
            State = row.Int64(5),
            Replaces = row.Int64OrNull(6),
            IsState = row.Int64(7) != 0,
            Device = row.Int64OrNull(9),
            TransactionId = row.TextOrNull(10),
        };
        return db.Rows?.Add(stored) ?? stored;
    }

    private static EventBody ReadBody(Session db, Statement row, long nid)
    {
        var packed = row.Blob(8);
        var frameNid = row.Int64OrNull(11);
        if (db.Bodies.Recent.Find(nid, packed, frameNid) is { } known)
        {
            return known;
        }

        var frame = frameNid is { } id ? EventFrameTable.Find(db, id) : null;
        var body = new EventBody(db.Bodies, nid, packed.ToArray(), frameNid, frame);

        // What a transaction sees may yet be rolled back.
        if (db is Snapshot)
        {
            db.Bodies.Recent.Add(nid, body);
        }

        return body;
    }
}
