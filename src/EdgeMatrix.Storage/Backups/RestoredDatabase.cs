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
    private const string PassIdsSql = """
        INSERT INTO sqlite_sequence (name, seq)
        SELECT column1, ?1 + coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name = column1), 0)
        FROM (VALUES ('filters'), ('devices'), ('refresh_tokens'))
        """;

    private const string DropPassedIdsSql = """
        DELETE FROM sqlite_sequence WHERE name IN ('filters', 'devices', 'refresh_tokens')
        AND seq < (SELECT max(seq) FROM sqlite_sequence AS passed WHERE passed.name = sqlite_sequence.name)
        """;

    // A client that holds the key of a backup which was made later must not take the next one for it, and add to it what nobody can read.
    private const string PassBackupsSql = """
        INSERT INTO key_backups (user, version, algorithm, auth_data, deleted)
        SELECT user, ?1 + coalesce((SELECT max(version) FROM key_backups k WHERE k.user = accounts.user), 0), '', '{}', 1 FROM accounts
        """;

    /// <param name="folder">In which the media folder is, if there are media.</param>
    /// <exception cref="DatabaseException">The database is not whole, or of a newer version.</exception>
    public static async Task MendAsync(DatabaseOptions options, string folder)
    {
        await using var database = Database.Open(options);
        await database.WriteAsync(db =>
        {
            Run(db, PassPositionsSql, PositionsLost);
            Run(db, PassIdsSql, IdsLost);
            Run(db, PassBackupsSql, IdsLost);
            using (var drop = db.Prepare(DropPassedIdsSql))
            {
                drop.Run();
            }

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
