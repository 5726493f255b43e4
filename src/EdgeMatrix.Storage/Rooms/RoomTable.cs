using System.Buffers.Binary;

namespace EdgeMatrix.Storage.Rooms;

/// <summary>A row of <c>rooms</c>.</summary>
/// <param name="State">The node of the current state.</param>
/// <param name="Extremities">Nids of the forward extremities.</param>
/// <param name="LastEvent">Order of the newest event in the timeline: its nid, but where it was known before as somebody's auth event or state.</param>
/// <param name="PurgedTo">Order in the timeline up to which old messages are deleted; null if none were.</param>
/// <param name="IsPartial">This server came in, and does not know all of the state yet: <see cref="PartialRoomTable"/>.</param>
/// <param name="WholeSince">Stream position at which it came to know all of the state; 0 if it did so as it came in.</param>
public sealed record RoomRow(
    long Nid, string RoomId, string Version, long State, long[] Extremities, long LastEvent, int Joined, int Invited, long? PurgedTo, bool IsPartial,
    long WholeSince);

/// <summary>The <c>rooms</c> table.</summary>
public static class RoomTable
{
    private const string MessageBytesSql = "SELECT nid, message_bytes FROM rooms WHERE message_bytes > ?";
    private const string Columns = "nid, room_id, version, state, extremities, last_event, joined, invited, purged_to, partial_state, whole_since";
    private const string ByIdSql = $"SELECT {Columns} FROM rooms WHERE room_id = ?";
    private const string FirstFromSql = $"SELECT {Columns} FROM rooms WHERE nid >= ? ORDER BY nid LIMIT 1";
    private const string ByNidSql = $"SELECT {Columns} FROM rooms WHERE nid = ?";

    private const string ManyBranchesSql = $"SELECT {Columns} FROM rooms WHERE length(extremities) > 80 AND nid > ? ORDER BY nid LIMIT 1";

    // Never the nid of a room that was deleted: tokens and memories of it may be about.
    private const string InsertSql = """
        INSERT INTO rooms (nid, room_id, version, extremities)
        VALUES (1 + max(coalesce((SELECT max(nid) FROM rooms), 0), coalesce((SELECT reserved FROM sequence WHERE name = 'room'), 0)), ?, ?, x'')
        """;

    private const string MoveSql = "UPDATE rooms SET state = ?, extremities = ?, last_event = ? WHERE nid = ?";
    private const string VersionSql = "UPDATE rooms SET version = ? WHERE nid = ?";
    private const string PartialSql = "UPDATE rooms SET partial_state = ?, whole_since = ? WHERE nid = ?";
    private const string CountSql = "UPDATE rooms SET joined = joined + ?, invited = invited + ? WHERE nid = ?";
    private const string JoinChangeSql = "UPDATE rooms SET last_join_change = ? WHERE nid = ?";
    private const string LastJoinChangeSql = "SELECT last_join_change FROM rooms WHERE nid = ?";
    private const string ListSql = "UPDATE rooms SET listed = ? WHERE nid = ?";
    private const string IsListedSql = "SELECT listed FROM rooms WHERE nid = ?";

    // The directory's order: most members first; the nid makes it total, so that a page can say where it ended.
    private static string ListedSql(RoomDirectory directory) => $"""
        SELECT {Columns} FROM rooms WHERE {directory.Condition} AND (joined, -nid) < (?, ?) ORDER BY joined DESC, nid LIMIT ?
        """;

    private static string ListedBeforeSql(RoomDirectory directory) => $"""
        SELECT {Columns} FROM rooms WHERE {directory.Condition} AND (joined, -nid) > (?, ?) ORDER BY joined, nid DESC LIMIT ?
        """;

    private static string ListedCountSql(RoomDirectory directory) => $"SELECT count(*) FROM rooms WHERE {directory.Condition}";

    public static RoomRow? Find(Session db, string roomId)
    {
        using var query = db.Prepare(ByIdSql).Bind(roomId);
        return query.Step() ? Read(query) : null;
    }

    public static RoomRow? Find(Session db, long nid)
    {
        using var query = db.Prepare(ByNidSql).Bind(nid);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>The next room, by nid, that has more than ten forward extremities; null if there is none.</summary>
    public static RoomRow? WithManyBranches(Session db, long after)
    {
        using var query = db.Prepare(ManyBranchesSql).Bind(after);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>The room with the nid, or with the next there is; null after the last.</summary>
    public static RoomRow? FirstFrom(Session db, long nid)
    {
        using var query = db.Prepare(FirstFromSql).Bind(nid);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>Adds a room without events; returns its nid.</summary>
    public static long Insert(WriteTransaction db, string roomId, string version)
    {
        using var insert = db.Prepare(InsertSql).Bind(roomId).Bind(version);
        insert.Run();
        return db.LastInsertRowId;
    }

    /// <summary>Corrects the version of a room of which nothing is known but what others told with an invite.</summary>
    public static void SetVersion(WriteTransaction db, long room, string version)
    {
        using var update = db.Prepare(VersionSql).Bind(version).Bind(room);
        update.Run();
    }

    /// <summary>Moves the head: current state, forward extremities, newest timeline event.</summary>
    public static void MoveHead(WriteTransaction db, long room, long state, ReadOnlySpan<long> extremities, long lastEvent)
    {
        var packed = new byte[extremities.Length * sizeof(long)];
        for (var i = 0; i < extremities.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(packed.AsSpan(i * sizeof(long)), extremities[i]);
        }

        using var update = db.Prepare(MoveSql).Bind(state).Bind(packed).Bind(lastEvent).Bind(room);
        update.Run();
    }

    /// <summary>Notes that not all of the state is known; or, since a stream position, that it is.</summary>
    public static void SetPartial(WriteTransaction db, long room, bool partial, long wholeSince)
    {
        using var update = db.Prepare(PartialSql).Bind(partial ? 1 : 0).Bind(wholeSince).Bind(room);
        update.Run();
    }

    public static void AddMembers(WriteTransaction db, long room, int joined, int invited)
    {
        using var update = db.Prepare(CountSql).Bind(joined).Bind(invited).Bind(room);
        update.Run();
    }

    /// <summary>Notes that somebody joined, or is joined no longer.</summary>
    /// <param name="position">Stream position at which that became so.</param>
    public static void SetLastJoinChange(WriteTransaction db, long room, long position)
    {
        using var update = db.Prepare(JoinChangeSql).Bind(position).Bind(room);
        update.Run();
    }

    /// <summary>Stream position at which somebody joined last, or was joined no longer.</summary>
    public static long LastJoinChange(Session db, long room)
    {
        using var query = db.Prepare(LastJoinChangeSql).Bind(room);
        return query.Step() ? query.Int64(0) : 0;
    }

    /// <summary>What the messages of the rooms take, in bytes, of those where it is more than the given.</summary>
    public static Dictionary<long, long> MessageBytes(Session db, long moreThan)
    {
        using var query = db.Prepare(MessageBytesSql).Bind(moreThan);
        var rooms = new Dictionary<long, long>();
        while (query.Step())
        {
            rooms[query.Int64(0)] = query.Int64(1);
        }

        return rooms;
    }

    public static void SetListed(WriteTransaction db, long room, bool listed)
    {
        using var update = db.Prepare(ListSql).Bind(listed).Bind(room);
        update.Run();
    }

    public static bool IsListed(Session db, long room)
    {
        using var query = db.Prepare(IsListedSql).Bind(room);
        return query.Step() && query.Int64(0) != 0;
    }

    /// <summary>Rooms of a published directory, most members first, after the given place.</summary>
    public static List<RoomRow> ListedAfter(Session db, RoomDirectory directory, long joined, long nid, int limit) =>
        ReadAll(directory.Bind(db.Prepare(ListedSql(directory))).Bind(joined).Bind(-nid).Bind(limit));

    /// <summary>As <see cref="ListedAfter"/>, backwards from the given place: fewest members first.</summary>
    public static List<RoomRow> ListedBefore(Session db, RoomDirectory directory, long joined, long nid, int limit) =>
        ReadAll(directory.Bind(db.Prepare(ListedBeforeSql(directory))).Bind(joined).Bind(-nid).Bind(limit));

    public static long CountListed(Session db, RoomDirectory directory)
    {
        using var query = directory.Bind(db.Prepare(ListedCountSql(directory)));
        return query.Step() ? query.Int64(0) : 0;
    }

    private static List<RoomRow> ReadAll(Statement query)
    {
        using (query)
        {
            var rows = new List<RoomRow>();
            while (query.Step())
            {
                rows.Add(Read(query));
            }

            return rows;
        }
    }

    private static RoomRow Read(Statement row)
    {
        var packed = row.Blob(4);
        var extremities = new long[packed.Length / sizeof(long)];
        for (var i = 0; i < extremities.Length; i++)
        {
            extremities[i] = BinaryPrimitives.ReadInt64LittleEndian(packed[(i * sizeof(long))..]);
        }

        return new RoomRow(
            row.Int64(0), row.Text(1), row.Text(2), row.Int64(3), extremities, row.Int64(5), (int)row.Int64(6), (int)row.Int64(7),
            row.Int64OrNull(8), row.Int64(9) != 0, row.Int64(10));
    }
}
