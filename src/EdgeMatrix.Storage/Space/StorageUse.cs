namespace EdgeMatrix.Storage.Space;

/// <param name="Kind">What is in it, for people: events, state, and so on.</param>
public sealed record KindUse(string Kind, long TableBytes, long IndexBytes)
{
    public long Bytes => TableBytes + IndexBytes;
}

/// <param name="MessageBytes">Its share of the pages of events and their indexes that its messages take.</param>
/// <param name="StateBytes">That of its state events and of the states between them.</param>
/// <param name="ForgottenTs">ms; when the last user of this server had left and forgotten it, null if it is wanted.</param>
public sealed record RoomUse(string RoomId, long Messages, long StateEvents, long Members, long MessageBytes, long StateBytes, long? ForgottenTs)
{
    public long Bytes => MessageBytes + StateBytes;
}

/// <summary>Where every byte of a database goes. The kinds, the free pages and the file's own pages make up the file.</summary>
/// <param name="OwnBytes">The map of pages, and what could not be told.</param>
/// <param name="FileBytes">As it is once the log has been moved into it.</param>
/// <param name="Rooms">All of them, largest first.</param>
/// <param name="RoomsBeingDeleted">Rooms that are gone and whose rows are not yet.</param>
public sealed record StorageUse(
    long FileBytes, long FreeBytes, bool CanShrink, long OwnBytes, long LogBytes, IReadOnlyList<KindUse> Kinds, IReadOnlyList<RoomUse> Rooms,
    long RoomsBeingDeleted)
{
    // The schema itself begins at the first page.
    private const string TreesSql = """
        SELECT tbl_name, type, rootpage FROM sqlite_schema WHERE rootpage > 0 UNION ALL SELECT 'sqlite_schema', 'table', 1
        """;

    // What an event takes besides its body, its place in the indexes included.
    private const string RoomsSql = """
        SELECT r.nid, r.room_id, r.forgotten_ts, count(e.nid), sum(e.state_key IS NOT NULL),
            sum(CASE WHEN e.state_key IS NULL THEN length(e.body) + 100 ELSE 0 END),
            sum(CASE WHEN e.state_key IS NOT NULL THEN length(e.body) + 100 ELSE 0 END),
            (SELECT count(*) FROM memberships m WHERE m.room = r.nid)
        FROM rooms r LEFT JOIN events e ON e.room = r.nid GROUP BY r.nid
        """;

    private const string NodesSql = """
        SELECT e.room, sum(length(n.delta) + 8 + coalesce((SELECT sum(length(c.delta) + 8) FROM state_chunks c WHERE c.node = n.nid), 0))
        FROM events e JOIN state_nodes n ON n.nid = e.state WHERE e.state_key IS NOT NULL AND n.nid > 0 GROUP BY e.room
        """;

    private const string Events = "events";
    private const string State = "states";

    private static readonly (string Kind, string[] Tables)[] _kinds =
    [
        (Events, ["events", "event_frames", "redactions", "early_redactions", "relations", "threads"]),
        (State, ["state_nodes", "state_chunks", "state_keys", "event_types", "current_states"]),
        ("search", ["search_data", "search_idx", "search_docsize", "search_config"]),
        ("members", ["memberships"]),
        ("rooms", ["rooms", "room_aliases", "room_names", "space_children", "purged_rooms"]),
        ("receipts", ["receipts"]),
        ("notifications", ["notified", "unread", "read_to", "push_queue", "recipient_changes"]),
        ("transaction ids", ["transactions_even", "transactions_odd", "transaction_days"]),
        ("users and accounts",
            ["users", "accounts", "devices", "access_tokens", "refresh_tokens", "profiles", "account_data", "status_messages", "filters", "settings", "signing_keys", "sequence",
                "threepids", "email_sessions", "mails", "rate_overrides"]),
        ("application services", ["appservices", "appservice_queue", "appservice_rooms"]),
        ("other servers",
            [
                "destinations", "server_keys", "server_key_answers", "room_servers", "outgoing_events", "outgoing_strangers", "outgoing_messages",
                "outgoing_cursors", "remote_device_lists", "remote_devices", "received_messages", "waiting_events", "backward_extremities", "told_states",
            ]),
        ("schema", ["sqlite_schema"]),
        ("media (their names)", ["media", "media_usage", "remote_media"]),
    ];

    /// <summary>Looks through all of the file. Holds a snapshot meanwhile, so the log of a running server grows.</summary>
    /// <exception cref="DatabaseException">The file cannot be read, or is damaged.</exception>
    public static StorageUse Read(Session db, string path)
    {
        using var pages = new PageReader(Path.GetFullPath(path));
        var free = FreePages.Read(db);
        var kinds = ReadKinds(db, pages);
        var fileBytes = free.Pages * FreePages.PageBytes;
        var freeBytes = free.Free * FreePages.PageBytes;
        return new StorageUse(
            fileBytes, freeBytes, free.CanShrink, fileBytes - freeBytes - kinds.Sum(kind => kind.Bytes), pages.LogBytes, kinds, ReadRooms(db, kinds),
            Number(db, "SELECT count(*) FROM purged_rooms"));
    }

    private static List<KindUse> ReadKinds(Session db, PageReader pages)
    {
        var kinds = new Dictionary<string, KindUse>(StringComparer.Ordinal);
        using var trees = db.Prepare(TreesSql);
        while (trees.Step())
        {
            var table = trees.Text(0);
            var kind = _kinds.FirstOrDefault(known => known.Tables.Contains(table)).Kind ?? table;
            var bytes = TreePages.Count(pages, (uint)trees.Int64(2)) * FreePages.PageBytes;
            var use = kinds.GetValueOrDefault(kind) ?? new KindUse(kind, 0, 0);
            kinds[kind] = trees.Text(1) == "index"
                ? use with { IndexBytes = use.IndexBytes + bytes }
                : use with { TableBytes = use.TableBytes + bytes };
        }

        return [.. kinds.Values.OrderByDescending(kind => kind.Bytes)];
    }

    private static List<RoomUse> ReadRooms(Session db, List<KindUse> kinds)
    {
        var nodes = new Dictionary<long, long>();
        using (var query = db.Prepare(NodesSql))
        {
            while (query.Step())
            {
                nodes[query.Int64(0)] = query.Int64(1);
            }
        }

        var rooms = new List<(long Nid, RoomUse Use)>();
        using (var query = db.Prepare(RoomsSql))
        {
            while (query.Step())
            {
                var (events, state) = (query.Int64(3), query.Int64(4));
                rooms.Add((query.Int64(0), new RoomUse(
                    query.Text(1), events - state, state, query.Int64(7), query.Int64(5), query.Int64(6), query.Int64OrNull(2))));
            }
        }

        // Rows are counted in bytes and the tables in pages: each room has its share of the pages.
        var perEventByte = Share(kinds, Events, rooms.Sum(room => room.Use.Bytes));
        var perNodeByte = Share(kinds, State, nodes.Values.Sum());
        return [.. rooms
            .Select(room => room.Use with
            {
                MessageBytes = (long)(room.Use.MessageBytes * perEventByte),
                StateBytes = (long)((room.Use.StateBytes * perEventByte) + (nodes.GetValueOrDefault(room.Nid) * perNodeByte)),
            })
            .OrderByDescending(room => room.Bytes)];
    }

    private static double Share(List<KindUse> kinds, string kind, long bytes) =>
        bytes == 0 ? 0 : (kinds.FirstOrDefault(use => use.Kind == kind)?.Bytes ?? 0) / (double)bytes;

    private static long Number(Session db, string sql)
    {
        using var query = db.Prepare(sql);
        return query.Step() ? query.Int64(0) : 0;
    }
}
