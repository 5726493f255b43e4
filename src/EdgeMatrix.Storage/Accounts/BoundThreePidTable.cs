namespace EdgeMatrix.Storage.Accounts;

/// <summary>The <c>bound_threepids</c> table: which identity servers know an address as that of a user, by way of this server.</summary>
public static class BoundThreePidTable
{
    private const string AddSql = "INSERT INTO bound_threepids (user, medium, address, id_server) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    private const string OfUserSql = "SELECT medium, address, id_server FROM bound_threepids WHERE user = ? ORDER BY medium, address, id_server";
    private const string DeleteSql = "DELETE FROM bound_threepids WHERE user = ? AND medium = ? AND address = ? AND id_server = ?";

    public static void Add(WriteTransaction db, long user, string medium, string address, string idServer)
    {
        using var insert = db.Prepare(AddSql).Bind(user).Bind(medium).Bind(address).Bind(idServer);
        insert.Run();
    }

    public static List<(string Medium, string Address, string IdServer)> OfUser(Session db, long user)
    {
        using var query = db.Prepare(OfUserSql).Bind(user);
        var found = new List<(string, string, string)>();
        while (query.Step())
        {
            found.Add((query.Text(0), query.Text(1), query.Text(2)));
        }

        return found;
    }

    public static void Delete(WriteTransaction db, long user, string medium, string address, string idServer)
    {
        using var delete = db.Prepare(DeleteSql).Bind(user).Bind(medium).Bind(address).Bind(idServer);
        delete.Run();
    }
}
