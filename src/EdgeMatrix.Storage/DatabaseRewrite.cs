namespace EdgeMatrix.Storage;

/// <summary>Writes a database anew without its free pages, while no server has it; from then on it can give free pages back by itself.</summary>
public static class DatabaseRewrite
{
    private const string Suffix = ".rewritten";
    private const int CacheKiB = 8192;

    /// <returns>The bytes of the file before and after.</returns>
    /// <exception cref="DatabaseException">In use, not ours, or the disk has no room for the second copy that it is for a moment.</exception>
    public static (long Before, long After) Run(string path)
    {
        path = Path.GetFullPath(path);
        using var fileLock = DatabaseLock.Acquire(path);
        if (!File.Exists(path))
        {
            throw new DatabaseException($"{path} is not there: no server has run on this data folder. Give another --data.");
        }

        var copy = path + Suffix;
        try
        {
            File.Delete(copy);

            // SQLite writes into a file that is empty, and keeps its permissions.
            new FileStream(copy, DatabaseLock.OwnerOnly(FileMode.CreateNew)).Dispose();
            WriteCopy(path, copy);
            var (before, after) = (new FileInfo(path).Length, new FileInfo(copy).Length);
            if (File.Exists(path + "-wal"))
            {
                throw new DatabaseException($"{path} has a log beside it still: another program holds it open.");
            }

            // Under its name it stands at once, or not at all.
            using (var written = new FileStream(copy, FileMode.Open, FileAccess.ReadWrite))
            {
                written.Flush(flushToDisk: true);
            }

            // Were the log to come back from a power cut beside the new file, its pages would be written over those of that.
            DataFolder.Flush(Path.GetDirectoryName(path));
            File.Move(copy, path, overwrite: true);
            DataFolder.Flush(Path.GetDirectoryName(path));
            return (before, after);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatabaseException($"{path} cannot be written anew: {exception.Message}", exception);
        }
        finally
        {
            File.Delete(copy);
        }
    }

    private static void WriteCopy(string path, string copy)
    {
        using var connection = DatabaseConnection.Open(path, CacheKiB);
        DatabaseSchema.Require(connection, path, Migrations.All);
        connection.Execute("PRAGMA auto_vacuum = INCREMENTAL");
        using var vacuum = connection.Prepare("VACUUM INTO ?").Bind(copy);
        vacuum.Run();
    }
}
