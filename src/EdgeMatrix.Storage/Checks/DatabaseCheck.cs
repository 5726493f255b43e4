namespace EdgeMatrix.Storage.Checks;

/// <summary>
/// Looks whether a database is whole: its pages and indexes, as SQLite sees them, then what this server's own tables promise
/// each other. Reads everything, so it takes as long as the file is large; changes nothing.
/// </summary>
public static class DatabaseCheck
{
    private const string PagesSql = "PRAGMA integrity_check";

    /// <summary>What is wrong, a sentence each, as it is found; nothing where all is well.</summary>
    /// <remarks>Where the pages are damaged, that alone is told: what the rows say of each other then means nothing.</remarks>
    public static IEnumerable<string> Findings(Session db)
    {
        var pages = Pages(db);
        return pages.Count > 0 ? pages : RowChecks.Findings(db)
            .Concat(StateNodeChecks.Findings(db))
            .Concat(RoomChecks.Findings(db))
            .Concat(NotificationChecks.Findings(db));
    }

    private static List<string> Pages(Session db)
    {
        var findings = new List<string>();
        try
        {
            using var query = db.Prepare(PagesSql);
            while (query.Step())
            {
                findings.Add(query.Text(0));
            }
        }
        catch (DatabaseException exception)
        {
            findings.Add(exception.Message);
        }

        return findings is ["ok"] ? [] : findings;
    }
}
