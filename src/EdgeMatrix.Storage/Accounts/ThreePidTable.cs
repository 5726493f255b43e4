namespace EdgeMatrix.Storage.Accounts;

/// <param name="Medium"><c>email</c>, the only one that can be proved here, or <c>msisdn</c>, which an administrator may set.</param>
/// <param name="Address">In its canonical form.</param>
/// <param name="User">Nid of the user.</param>
/// <param name="ValidatedTs">ms since the Unix epoch, as is <paramref name="AddedTs"/>.</param>
public sealed record ThreePidRow(string Medium, string Address, long User, long ValidatedTs, long AddedTs);

/// <summary>The <c>threepids</c> table: e-mail addresses and phone numbers of accounts, each of one account only.</summary>
public static class ThreePidTable
{
    public const string Email = "email";

    private const string Columns = "medium, address, user, validated_ts, added_ts";
    private const string FindSql = $"SELECT {Columns} FROM threepids WHERE medium = ? AND address = ?";
    private const string OfUserSql = $"SELECT {Columns} FROM threepids WHERE user = ? ORDER BY added_ts, medium, address";
    private const string InsertSql = $"INSERT INTO threepids ({Columns}) VALUES (?, ?, ?, ?, ?) ON CONFLICT (medium, address) DO NOTHING";
    private const string DeleteSql = "DELETE FROM threepids WHERE medium = ? AND address = ? AND user = ?";

    public static ThreePidRow? Find(Session db, string medium, string address)
    {
        using var query = db.Prepare(FindSql).Bind(medium).Bind(address);
        return query.Step() ? Read(query) : null;
    }

    /// <summary>In the order in which they were added.</summary>
    public static List<ThreePidRow> OfUser(Session db, long user)
    {
        using var query = db.Prepare(OfUserSql).Bind(user);
        var found = new List<ThreePidRow>();
        while (query.Step())
        {
            found.Add(Read(query));
        }

        return found;
    }

    /// <summary>False, and nothing is changed, if an account has it.</summary>
    public static bool TryAdd(WriteTransaction db, ThreePidRow row)
    {
        using var insert = db.Prepare(InsertSql).Bind(row.Medium).Bind(row.Address).Bind(row.User).Bind(row.ValidatedTs).Bind(row.AddedTs);
        insert.Run();
        return insert.Changes == 1;
    }

    /// <summary>False if the user has no such identifier.</summary>
    public static bool Delete(WriteTransaction db, string medium, string address, long user)
    {
        using var delete = db.Prepare(DeleteSql).Bind(medium).Bind(address).Bind(user);
        delete.Run();
        return delete.Changes == 1;
    }

    private static ThreePidRow Read(Statement query) => new(query.Text(0), query.Text(1), query.Int64(2), query.Int64(3), query.Int64(4));
}
