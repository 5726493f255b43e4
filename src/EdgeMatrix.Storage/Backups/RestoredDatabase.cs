using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Media;

namespace EdgeMatrix.Storage.Backups;

/// <summary>Readies a database from a backup for a world that has gone on since.</summary>
internal static class RestoredDatabase
{
    /// <summary>
    /// How many stream positions are passed over: more than a server hands out between a backup and the loss of its disk, a
    /// thousand a second for twelve days.
    /// </summary>
    private const long PositionsLost = 1L << 30;

    private const int IdsLost = 1_000_000;

    // A client that synced after the backup has a token of that time. Were its position to come again, the client would not be told of what
    // then happens at it. As it does not, the token is one between the backup and now.
    private const string PassPositionsSql = "UPDATE sequence SET reserved = reserved + ? WHERE name = 'position'";

    // Nor does a filter or a device that was made after the backup become another.
    private const string PassIdsSql = "UPDATE sqlite_sequence SET seq = seq + ? WHERE name IN ('filters', 'devices', 'refresh_tokens')";

    /// <param name="folder">In which the media folder is, if there are media.</param>
    /// <exception cref="DatabaseException">The database is not whole, or of a newer version.</exception>
    public static async Task MendAsync(DatabaseOptions options, string folder)
    {
        await using var database = Database.Open(options);
        await database.WriteAsync(db =>
        {
            Run(db, PassPositionsSql, PositionsLost);
            Run(db, PassIdsSql, IdsLost);
            OneTimeKeyTable.DropAll(db);
            FallbackKeyTable.UseAll(db);
        });
        using var snapshot = database.OpenSnapshot();
        foreach (var file in MediaFiles(Path.Combine(folder, BackupEntry.Media)))
        {
            // Uploaded while the backup was taken, after the database had been.
            if (!MediaHash.TryParse(Path.GetFileName(Path.GetDirectoryName(file)) + Path.GetFileName(file), out var hash)
                || !MediaTable.IsReferredTo(snapshot, hash.Value))
            {
                File.Delete(file);
            }
        }
    }

    private static void Run(WriteTransaction db, string sql, long number)
    {
        using var update = db.Prepare(sql).Bind(number);
        update.Run();
    }

    private static IEnumerable<string> MediaFiles(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories) : [];
}
