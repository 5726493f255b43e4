namespace EdgeMatrix.Storage.Accounts;

/// <param name="Room">Nid of the room; <see cref="AccountDataTable.Global"/> for none.</param>
/// <param name="Content">A JSON object, UTF-8.</param>
/// <param name="Position">The stream position of the last change.</param>
public sealed record AccountDataRow(long Room, string Type, byte[] Content, long Position);

/// <summary>The <c>account_data</c> table: what clients keep for their user, globally and room by room.</summary>
public static class AccountDataTable
{
    /// <summary>In the place of a room: data of the user as a whole.</summary>
    public const long Global = 0;

    private const string Columns = "room, type, content, position";
    private const string FindSql = "SELECT content FROM account_data WHERE user = ? AND room = ? AND type = ?";
    private const string OfRoomSql = $"SELECT {Columns} FROM account_data WHERE user = ? AND room = ? ORDER BY type";
    private const string SinceSql = $"SELECT {Columns} FROM account_data WHERE user = ? AND position > ? ORDER BY position";

    private const string SetSql = """
        INSERT INTO account_data (user, room, type, content, position) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (user, room, type) DO UPDATE SET content = excluded.content, position = excluded.position
        """;

    /// <summary>The content, UTF-8 JSON, or null.</summary>
    public static byte[]? Find(Session db, long user, long room, string type)
    {
        using var query = db.Prepare(FindSql).Bind(user).Bind(room).Bind(type);
        return query.Step() ? query.Blob(0).ToArray() : null;
    }

    public static List<AccountDataRow> OfRoom(Session db, long user, long room)
    {
        using var query = db.Prepare(OfRoomSql).Bind(user).Bind(room);
        return Read(query);
    }

    /// <summary>What changed after a stream position, oldest change first.</summary>
    public static List<AccountDataRow> Since(Session db, long user, long position)
    {
        using var query = db.Prepare(SinceSql).Bind(user).Bind(position);
        return Read(query);
    }

    /// <param name="content">The text of a JSON object.</param>
    public static void Set(WriteTransaction db, long user, long room, string type, string content, long position)
    {
        using var upsert = db.Prepare(SetSql).Bind(user).Bind(room).Bind(type).Bind(content).Bind(position);
        upsert.Run();
    }

    private static List<AccountDataRow> Read(Statement query)
    {
        var rows = new List<AccountDataRow>();
        while (query.Step())
        {
            rows.Add(new AccountDataRow(query.Int64(0), query.Text(1), query.Blob(2).ToArray(), query.Int64(3)));
        }

        return rows;
    }
}
