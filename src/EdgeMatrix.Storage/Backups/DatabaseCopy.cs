using System.Buffers.Binary;

namespace EdgeMatrix.Storage.Backups;

/// <summary>
/// The pages of a database in their order, as they were at one commit, while a server goes on writing to it: read from its two files,
/// so that no second copy of it is made and memory holds a page and the places of those in the log.
/// </summary>
/// <remarks>
/// A read transaction, held meanwhile, keeps SQLite from moving any page into the database that was committed after the transaction began,
/// and, if there is one in the log to be seen, from beginning the log anew. The copy takes the last commit that is whole in the log: each page
/// from there, or, where it is not there, from the database, in which it stays as it is. If nothing of the log was left to
/// move when the transaction began, the database as a whole stays as it is: https://sqlite.org/walformat.html#how_readers_and_checkpointers_interact.
/// Dispose of it soon after the last page, as the log grows meanwhile. A process that has a <see cref="Database"/> on the file should not
/// use it: closing a file lets go of the locks that SQLite has on it elsewhere in the process.
/// </remarks>
public sealed class DatabaseCopy : IDisposable
{
    private const int DatabaseHeaderBytes = 100;

    private readonly DatabaseConnection _connection;
    private readonly FileStream _file;
    private readonly FileStream _log;
    private readonly LogFrames _frames;
    private readonly uint _pages;

    private DatabaseCopy(DatabaseConnection connection, FileStream file, FileStream log)
    {
        (_connection, _file, _log) = (connection, file, log);
        _frames = LogFrames.Read(log);
        (PageSize, _pages) = _frames.Pages > 0 ? (_frames.PageSize, _frames.Pages) : ReadHeader();
    }

    public int PageSize { get; }

    public long Length => (long)PageSize * _pages;

    /// <exception cref="DatabaseException">Not there, not ours, of another schema, or not accessible.</exception>
    public static DatabaseCopy Open(DatabaseOptions options)
    {
        using (ReadOnlyDatabase.Open(options))
        {
        }

        var path = Path.GetFullPath(options.Path);
        var connection = DatabaseConnection.OpenReadOnly(path, options.CacheKiBPerConnection);
        FileStream? file = null, log = null;
        try
        {
            // SQLite fixes what a transaction sees at its first read, not at BEGIN.
            connection.Execute("BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1;");
            file = OpenShared(path);
            log = OpenShared(path + "-wal");
            return new DatabaseCopy(connection, file, log);
        }
        catch
        {
            connection.Dispose();
            file?.Dispose();
            log?.Dispose();
            throw;
        }
    }

    /// <param name="write">Takes each page in turn.</param>
    public void Write(Action<byte[]> write)
    {
        var page = new byte[PageSize];
        for (uint number = 1; number <= _pages; number++)
        {
            if (!_frames.TryRead(number, page))
            {
                // A page that SQLite gave up before it was ever written need not be in the file.
                var read = RandomAccess.Read(_file.SafeFileHandle, page, (number - 1) * (long)PageSize);
                page.AsSpan(read).Clear();
            }

            write(page);
        }
    }

    public void Dispose()
    {
        _connection.Dispose();
        _file.Dispose();
        _log.Dispose();
    }

    private (int PageSize, uint Pages) ReadHeader()
    {
        var header = new byte[DatabaseHeaderBytes];
        RandomAccess.Read(_file.SafeFileHandle, header, 0);

        // 1 stands for 65536, which two bytes do not hold.
        var size = BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(16));
        return (size == 1 ? 65_536 : size, BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(28)));
    }

    private static FileStream OpenShared(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
}
