namespace EdgeMatrix.Storage.Rooms;

/// <summary>What a list of rooms is ordered by, then by their nids.</summary>
public enum RoomOrder
{
    /// <summary>The name, or else the alias, or else the id; from an index.</summary>
    Name,
    Alias,

    /// <summary>Most first; from an index.</summary>
    Joined,

    /// <summary>Users of this server who are joined, most first.</summary>
    JoinedLocals,

    /// <summary>Last first; from an index.</summary>
    Version,

    /// <summary>Those in the directory of this server last.</summary>
    Listed,
}

/// <summary>Rooms that this server knows, as many of them as are asked for.</summary>
/// <param name="Term">In the name, in the alias before its colon, or the whole room id; null: any.</param>
/// <param name="Listed">Whether they are in the directory of this server; null is no matter.</param>
/// <param name="Empty">Whether nobody is joined; null is no matter.</param>
public sealed record RoomListing(string? Term, bool? Listed, bool? Empty, RoomOrder Order, bool Backward)
{
    private string From => Term is null && Order is not (RoomOrder.Name or RoomOrder.Alias) ? "rooms r"
        : Term is null && Listed is null && Empty is null ? "room_names n"
        : "room_names n CROSS JOIN rooms r ON r.nid = n.room";

    private string Nid => From.StartsWith("rooms", StringComparison.Ordinal) ? "r.nid" : "n.room";

    private string Where
    {
        get
        {
            List<string> conditions = [];
            if (Term is not null)
            {
                conditions.Add("(instr(n.name, ?1) > 0 OR instr(substr(n.alias, 1, instr(n.alias, ':') - 1), ?1) > 0 OR r.room_id = ?2)");
            }

            if (Listed is { } listed)
            {
                conditions.Add($"r.listed = {(listed ? 1 : 0)}");
            }

            if (Empty is { } empty)
            {
                conditions.Add(empty ? "r.joined = 0" : "r.joined > 0");
            }

            return conditions.Count == 0 ? "" : $" WHERE {string.Join(" AND ", conditions)}";
        }
    }

    /// <summary>Nids of a page of them.</summary>
    public List<long> Page(Session db, long offset, long limit)
    {
        var (column, descending) = Order switch
        {
            RoomOrder.Alias => ("n.alias", false),
            RoomOrder.Joined => ("r.joined", true),
            RoomOrder.JoinedLocals => ($"(SELECT count(*) {MembershipTable.LocalsFromAccounts("r.nid")})", true),
            RoomOrder.Version => ("r.version", true),
            RoomOrder.Listed => ("r.listed", false),
            _ => ("n.place", false),
        };
        var direction = descending != Backward ? "DESC" : "ASC";
        using var query = Bind(db.Prepare($"SELECT {Nid} FROM {From}{Where} ORDER BY {column} {direction}, {Nid} {direction} LIMIT ?3 OFFSET ?4"));
        query.Bind(limit).Bind(offset);
        var rooms = new List<long>();
        while (query.Step())
        {
            rooms.Add(query.Int64(0));
        }

        return rooms;
    }

    /// <summary>How many there are.</summary>
    public long Count(Session db)
    {
        using var query = db.Prepare($"SELECT count(*) FROM {From}{Where}");
        if (Term is not null)
        {
            Bind(query);
        }

        return query.Step() ? query.Int64(0) : 0;
    }

    private Statement Bind(Statement query) => query.Bind(RoomNameTable.Small(Term)).Bind(Term);
}
