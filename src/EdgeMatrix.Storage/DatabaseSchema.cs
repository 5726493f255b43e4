using SQLitePCL;

namespace EdgeMatrix.Storage;

/// <summary>Tells whose a database file is, and brings it to the current schema.</summary>
internal static class DatabaseSchema
{
    /// <summary>"EdMx" in the header of the file, so that another program's database is not taken for ours.</summary>
    private const int ApplicationId = 0x45644D78;

    /// <summary>16 MiB: a tenth of a second or so, on a slow board.</summary>
    private const int MaxPagesCheckedAtOpen = 4096;

    /// <exception cref="DatabaseException">Not a database, not ours, or of a newer version.</exception>
    public static void Prepare(DatabaseConnection connection, string path, IReadOnlyList<string> migrations)
    {
        var version = Check(connection, path, migrations.Count);
        if (connection.IsReadOnly)
        {
            throw new DatabaseException($"{path} may only be read by this user. Give the data folder and the files in it to the user that runs EdgeMatrix.");
        }

        if (version > 0)
        {
            CheckPages(connection, path);
        }

        if (connection.Scalar("PRAGMA journal_mode = WAL") != "wal")
        {
            throw new DatabaseException($"{path} is on a file system that has no shared memory for SQLite; choose a local disk.");
        }

        if (version == 0)
        {
            // A new file has the whole schema or nothing, and waits for the disk once. One with data keeps every step that it got through.
            Migrate(connection, migrations, 0, migrations.Count);
            return;
        }

        for (; version < migrations.Count; version++)
        {
            Migrate(connection, migrations, version, version + 1);
        }
    }

    /// <summary>For whoever only reads: the schema must be the current one already.</summary>
    /// <exception cref="DatabaseException">Not a database, not ours, or of another version.</exception>
    public static void Require(DatabaseConnection connection, string path, IReadOnlyList<string> migrations)
    {
        if (Check(connection, path, migrations.Count) is var version && version < migrations.Count)
        {
            throw new DatabaseException(
                $"{path} was written by an older EdgeMatrix (schema {version}; this one reads {migrations.Count}). Start this server on it once.");
        }
    }

    private static int Check(DatabaseConnection connection, string path, int known)
    {
        try
        {
            var version = Number(connection, "PRAGMA user_version");
            var owner = Number(connection, "PRAGMA application_id");
            var tables = Number(connection, "SELECT count(*) FROM sqlite_schema");
            if (owner != ApplicationId && (owner != 0 || version != 0 || tables != 0))
            {
                throw new DatabaseException($"{path} is the database of another program.");
            }

            return version <= known
                ? version
                : throw new DatabaseException(
                    $"{path} was written by a newer EdgeMatrix (schema {version}; this one knows up to {known}). Run that one, or restore a backup.");
        }
        catch (DatabaseException exception) when ((exception.ResultCode & 0xFF) == raw.SQLITE_NOTADB)
        {
            throw new DatabaseException($"{path} is not a database.", exception);
        }
    }

    /// <summary>
    /// A file that has lost its end or stands beside the log of another is told by its pages, before anything is written. A
    /// small file is looked through whole; of a large one the first page of each table.
    /// </summary>
    private static void CheckPages(DatabaseConnection connection, string path)
    {
        if (Number(connection, "PRAGMA page_count") <= MaxPagesCheckedAtOpen)
        {
            var found = connection.Scalar("PRAGMA quick_check(1)");
            if (found != "ok")
            {
                throw new DatabaseException($"{path} is damaged ({found?.ReplaceLineEndings(" ")})", raw.SQLITE_CORRUPT);
            }

            return;
        }

        var tables = new List<string>();
        using (var query = connection.Prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0"))
        {
            while (query.Step())
            {
                tables.Add(query.Text(0));
            }
        }

        foreach (var table in tables)
        {
            connection.Scalar($"SELECT * FROM \"{table}\" LIMIT 1");
        }
    }

    private static int Number(DatabaseConnection connection, string sql)
    {
        using var query = connection.Prepare(sql);
        return query.Step() ? query.Int32(0) : 0;
    }

    private static void Migrate(DatabaseConnection connection, IReadOnlyList<string> migrations, int from, int to)
    {
        var done = from;
        connection.Execute("BEGIN IMMEDIATE");
        try
        {
            for (; done < to; done++)
            {
                connection.Execute(migrations[done]);
            }

            connection.Execute($"PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {to};");
            connection.Execute("COMMIT");
        }
        catch (DatabaseException exception)
        {
            if (connection.InTransaction)
            {
                connection.Execute("ROLLBACK");
            }

            throw new DatabaseException($"The database could not be brought to schema {Math.Min(done + 1, to)}: {exception.Message}", exception);
        }
    }
}
