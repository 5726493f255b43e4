namespace EdgeMatrix.Storage.Backups;

/// <summary>Puts a backup into an empty data folder.</summary>
/// <remarks>
/// <list type="number">
/// <item>Take the lock of the database, so that no server starts on the folder meanwhile; refuse if anything is in it.</item>
/// <item>Read the backup into a folder inside it, and check every byte.</item>
/// <item>Bring the database to the current schema, and on to the present: <see cref="RestoredDatabase"/>.</item>
/// <item>Move the parts to their places, the database last: until then there is no server in the folder.</item>
/// </list>
/// If a step fails, the folder is removed again if it was made here, and else what was read into it.
/// </remarks>
public static class Restore
{
    private const string Staging = "restoring";

    /// <param name="database">Where the database is to be, in the data folder.</param>
    /// <exception cref="BackupException">The backup is not whole, or the folder not empty.</exception>
    /// <exception cref="DatabaseException">The folder is in use, or the database is of a newer version.</exception>
    /// <exception cref="IOException">The backup cannot be read, or the folder not be written.</exception>
    public static async Task RunAsync(Stream input, DatabaseOptions database)
    {
        database = database with { Path = Path.GetFullPath(database.Path) };
        var data = Path.GetDirectoryName(database.Path)!;
        var wasThere = Directory.Exists(data);
        RequireEmpty(data, database.Path);
        DataFolder.Create(data);
        var staging = Path.Combine(data, Staging);
        var (ours, done) = (false, false);
        try
        {
            using var held = DatabaseLock.Acquire(database.Path);
            ours = true;
            RequireEmpty(data, database.Path);
            DataFolder.Create(staging);
            try
            {
                if (!OperatingSystem.IsWindows())
                {
                    File.SetUnixFileMode(staging, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                }

                BackupReader.Read(input, staging);
                var restored = database with { Path = Path.Combine(staging, BackupEntry.Database) };
                await RestoredDatabase.MendAsync(restored, staging);
                RequireWholeWithoutLog(restored.Path);
                Place(staging, data, database.Path);
                done = true;
            }
            finally
            {
                if (Directory.Exists(staging))
                {
                    Directory.Delete(staging, recursive: true);
                }
            }
        }
        finally
        {
            // Where another process was faster, all that is there is its.
            if (ours && !done && !wasThere)
            {
                Directory.Delete(data, recursive: true);
            }
        }
    }

    /// <summary>
    /// A restore that was killed left no database; a server must not begin another there, with another key and name. Where it left one, all
    /// was done but the removal of what it was read into.
    /// </summary>
    /// <param name="database">Where the database is, or is to be made; its lock is held.</param>
    /// <exception cref="DatabaseException">A restore was not finished, or what it left cannot be removed.</exception>
    internal static void FinishOrRefuse(string database)
    {
        var data = Path.GetDirectoryName(database)!;
        var staging = Path.Combine(data, Staging);
        if (!Directory.Exists(staging))
        {
            return;
        }

        if (!File.Exists(database))
        {
            throw new DatabaseException($"A restore into {data} was not finished. Empty that folder, and restore the backup again.");
        }

        try
        {
            Directory.Delete(staging, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DatabaseException(
                $"{staging}, which a restore left, cannot be removed: {failure.Message.TrimEnd('.')}. Remove it, or let this user write there.", failure);
        }
    }

    // Closing a database moves its log into it, and where that fails, as on a full disk, leaves it to the next start. Here there is none.
    private static void RequireWholeWithoutLog(string database)
    {
        if (new FileInfo(database + "-wal") is { Exists: true, Length: > 0 })
        {
            throw new IOException($"{database} could not be finished: is the disk full?");
        }
    }

    private static void RequireEmpty(string data, string database)
    {
        if (Directory.Exists(data) && Directory.EnumerateFileSystemEntries(data).FirstOrDefault(entry => entry != database + ".lock") is { } found)
        {
            throw new BackupException($"{data} is not empty ({Path.GetFileName(found)} is in it): restore into another data folder, or move this one away");
        }
    }

    private static void Place(string staging, string data, string database)
    {
        foreach (var name in new[] { BackupEntry.Configuration, BackupEntry.Certificate })
        {
            if (File.Exists(Path.Combine(staging, name)))
            {
                File.Move(Path.Combine(staging, name), Path.Combine(data, name));
            }
        }

        if (Directory.Exists(Path.Combine(staging, BackupEntry.Media)))
        {
            foreach (var folder in Directory.EnumerateDirectories(Path.Combine(staging, BackupEntry.Media)))
            {
                DataFolder.Flush(folder);
            }

            Directory.Move(Path.Combine(staging, BackupEntry.Media), Path.Combine(data, BackupEntry.Media));
        }

        DataFolder.Flush(data);
        File.Move(Path.Combine(staging, BackupEntry.Database), database);
        DataFolder.Flush(data);
    }
}
