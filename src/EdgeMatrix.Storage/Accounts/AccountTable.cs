namespace EdgeMatrix.Storage.Accounts;

/// <param name="Password">An Argon2id PHC string; null where there is no password login.</param>
/// <param name="CreatedTs">ms since the Unix epoch, as is <paramref name="DeactivatedTs"/>.</param>
/// <param name="DeactivatedTs">When the account was given up; null while it is in use.</param>
public sealed record AccountRow(
    long User, string UserId, string? Password, AccountStanding Standing, long CreatedTs, long? DeactivatedTs = null)
{
    public bool Admin => Standing.Admin;

    public bool IsDeactivated => DeactivatedTs is not null;
}

/// <param name="LastSeenTs">When the guest was last there, or else made: ms since the Unix epoch.</param>
public sealed record GuestRow(long User, string UserId, long LastSeenTs);

/// <summary>Which accounts are asked for; null is no matter.</summary>
/// <param name="UserIdPart">What is in the user id, in whatever case.</param>
/// <param name="NamePart">What is in the user id before its colon or in the display name, in whatever case.</param>
/// <param name="Guests">False: no guests.</param>
public sealed record AccountQuery(
    string? UserIdPart, string? NamePart, bool? Guests, bool? Admins, bool? Deactivated, bool? Locked, bool? Suspended, AccountOrder Order, bool Backward);

/// <summary>What a list of accounts is ordered by, then by their user ids.</summary>
public enum AccountOrder
{
    UserId,
    Guest,
    Admin,
    Deactivated,
    Created,
    Locked,
    DisplayName,
    AvatarUrl,
    LastSeen,
}

/// <summary>The <c>accounts</c> table: the users of this server, those who have left it for good among them.</summary>
public static class AccountTable
{
    private const string Columns =
        "a.user, u.user_id, a.password, a.admin, a.guest, a.locked, a.suspended, a.created_ts, a.deactivated_ts";

    private const string FindSql = $"SELECT {Columns} FROM accounts a JOIN users u ON u.nid = a.user WHERE u.user_id = ?";
    private const string FindByNidSql = $"SELECT {Columns} FROM accounts a JOIN users u ON u.nid = a.user WHERE a.user = ?";
    private const string AllSql = $"SELECT {Columns} FROM accounts a JOIN users u ON u.nid = a.user ORDER BY u.user_id";

    private const string Asked = """
        FROM accounts a JOIN users u ON u.nid = a.user
        WHERE (?1 IS NULL OR instr(lower(u.user_id), lower(?1)) > 0)
        AND (?2 IS NULL OR ?2 = 1 OR a.guest = 0)
        AND (?3 IS NULL OR a.admin = ?3)
        AND (?4 IS NULL OR (a.deactivated_ts IS NOT NULL) = ?4)
        AND (?5 IS NULL OR a.locked = ?5)
        AND (?6 IS NULL OR a.suspended = ?6)
        AND (?7 IS NULL OR instr(lower(substr(u.user_id, 1, instr(u.user_id, ':') - 1)), lower(?7)) > 0
            OR instr(lower((SELECT value FROM profiles p WHERE p.user = a.user AND p.field = 'displayname')), lower(?7)) > 0)
        """;

    private const string CountSql = $"SELECT count(*) {Asked}";
    private const string PageSql = $"SELECT {Columns} {Asked} ORDER BY ";
    private const string PageEnd = " LIMIT ?8 OFFSET ?9";

    private const string InsertSql = """
        INSERT INTO accounts (user, password, admin, guest, created_ts) VALUES (?, ?, ?, ?, ?) ON CONFLICT (user) DO NOTHING
        """;

    private const string SetPasswordSql = "UPDATE accounts SET password = ? WHERE user = ?";
    private const string SetStandingSql = "UPDATE accounts SET admin = ?, guest = ?, locked = ?, suspended = ? WHERE user = ?";
    private const string DeactivateSql = "UPDATE accounts SET password = NULL, deactivated_ts = ?, parting = 1 WHERE user = ?";
    private const string ReactivateSql = "UPDATE accounts SET deactivated_ts = NULL, parting = 0 WHERE user = ?";
    private const string FirstPartingSql = "SELECT user FROM accounts WHERE parting = 1 LIMIT 1";
    private const string GuestsSql = """
        SELECT a.user, u.user_id, coalesce((SELECT max(d.last_seen_ts) FROM devices d WHERE d.user = a.user), a.created_ts)
        FROM accounts a JOIN users u ON u.nid = a.user
        WHERE a.guest = 1 AND a.deactivated_ts IS NULL AND a.user > ? ORDER BY a.user LIMIT ?
        """;

    // There are few guests, and may be many members: so the guests are gone through.
    private const string GuestsInRoomSql = """
        SELECT u.user_id FROM accounts a CROSS JOIN memberships m ON m.room = ? AND m.user = a.user JOIN users u ON u.nid = a.user
        WHERE a.guest = 1 AND a.deactivated_ts IS NULL AND m.membership = 1
        """;

    private const string PartedSql = "UPDATE accounts SET parting = 0 WHERE user = ?";

    public static AccountRow? Find(Session db, string userId)
    {
        using var query = db.Prepare(FindSql).Bind(userId);
        return query.Step() ? Read(query) : null;
    }

    public static AccountRow? Find(Session db, long user)
    {
        using var query = db.Prepare(FindByNidSql).Bind(user);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>Every account, in the order of the user ids.</summary>
    public static List<AccountRow> All(Session db)
    {
        using var query = db.Prepare(AllSql);
        var accounts = new List<AccountRow>();
        while (query.Step())
        {
            accounts.Add(Read(query));
        }

        return accounts;
    }

    /// <summary>A page of the accounts that are asked for, and how many there are.</summary>
    public static (List<AccountRow> Rows, long Total) Page(Session db, AccountQuery asked, long offset, long limit)
    {
        var column = asked.Order switch
        {
            AccountOrder.Guest => "a.guest",
            AccountOrder.Admin => "a.admin",
            AccountOrder.Deactivated => "a.deactivated_ts IS NOT NULL",
            AccountOrder.Created => "a.created_ts",
            AccountOrder.Locked => "a.locked",
            AccountOrder.DisplayName => "(SELECT lower(value) FROM profiles p WHERE p.user = a.user AND p.field = 'displayname')",
            AccountOrder.AvatarUrl => "(SELECT value FROM profiles p WHERE p.user = a.user AND p.field = 'avatar_url')",
            AccountOrder.LastSeen => "(SELECT max(last_seen_ts) FROM devices d WHERE d.user = a.user)",
            _ => "u.user_id",
        };
        var direction = asked.Backward ? "DESC" : "ASC";
        var rows = new List<AccountRow>();
        using (var page = Bind(db.Prepare($"{PageSql}{column} {direction}, u.user_id {(column == "u.user_id" ? direction : "ASC")}{PageEnd}"), asked).Bind(limit).Bind(offset))
        {
            while (page.Step())
            {
                rows.Add(Read(page));
            }
        }

        using var count = Bind(db.Prepare(CountSql), asked);
        return (rows, count.Step() ? count.Int64(0) : 0);
    }

    /// <summary>Adds an account; returns false, and changes nothing, if the user has one.</summary>
    public static bool TryAdd(WriteTransaction db, AccountRow account)
    {
        using var insert = db.Prepare(InsertSql)
            .Bind(account.User).Bind(account.Password).Bind(account.Admin).Bind(account.Standing.Guest).Bind(account.CreatedTs);
        insert.Run();
        return insert.Changes == 1;
    }

    public static void SetPassword(WriteTransaction db, long user, string? password)
    {
        using var update = db.Prepare(SetPasswordSql).Bind(password).Bind(user);
        update.Run();
    }

    public static void SetStanding(WriteTransaction db, long user, AccountStanding standing)
    {
        using var update = db.Prepare(SetStandingSql)
            .Bind(standing.Admin).Bind(standing.Guest).Bind(standing.Locked).Bind(standing.Suspended).Bind(user);
        update.Run();
    }

    /// <summary>Gives the account up, without its password; <see cref="FirstParting"/> finds it until <see cref="Parted"/>.</summary>
    public static void Deactivate(WriteTransaction db, long user, long ts)
    {
        using var update = db.Prepare(DeactivateSql).Bind(ts).Bind(user);
        update.Run();
    }

    public static void Reactivate(WriteTransaction db, long user)
    {
        using var update = db.Prepare(ReactivateSql).Bind(user);
        update.Run();
    }

    /// <summary>Nid of a user who was deactivated and is not out of all rooms yet; null if there is none.</summary>
    public static long? FirstParting(Session db)
    {
        using var query = db.Prepare(FirstPartingSql);
        return query.Step() ? query.Int64(0) : null;
    }

    /// <summary>Guests in use, in the order of their nids.</summary>
    /// <param name="after">Nid of the last one that is known.</param>
    public static List<GuestRow> Guests(Session db, long after, int limit)
    {
        using var query = db.Prepare(GuestsSql).Bind(after).Bind(limit);
        var guests = new List<GuestRow>();
        while (query.Step())
        {
            guests.Add(new GuestRow(query.Int64(0), query.Text(1), query.Int64(2)));
        }

        return guests;
    }

    /// <summary>The user ids of the guests who are joined to a room.</summary>
    public static List<string> GuestsIn(Session db, long room)
    {
        using var query = db.Prepare(GuestsInRoomSql).Bind(room);
        var guests = new List<string>();
        while (query.Step())
        {
            guests.Add(query.Text(0));
        }

        return guests;
    }

    public static void Parted(WriteTransaction db, long user)
    {
        using var update = db.Prepare(PartedSql).Bind(user);
        update.Run();
    }

    private static Statement Bind(Statement query, AccountQuery asked) => query
        .Bind(asked.UserIdPart).Bind(Number(asked.Guests)).Bind(Number(asked.Admins)).Bind(Number(asked.Deactivated)).Bind(Number(asked.Locked))
        .Bind(Number(asked.Suspended)).Bind(asked.NamePart);

    private static long? Number(bool? flag) => flag is { } known ? (known ? 1 : 0) : null;

    private static AccountRow Read(Statement query) => new(
        query.Int64(0),
        query.Text(1),
        query.TextOrNull(2),
        new AccountStanding(query.Int64(3) != 0, query.Int64(4) != 0, query.Int64(5) != 0, query.Int64(6) != 0),
        query.Int64(7),
        query.IsNull(8) ? null : query.Int64(8));
}
