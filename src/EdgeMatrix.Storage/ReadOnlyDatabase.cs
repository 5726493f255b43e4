namespace EdgeMatrix.Storage;

/// <summary>The SQLite file of a server, to look into and nothing else: beside the server that runs on it, or while none does.</summary>
/// <remarks>
/// It takes no lock, for it cannot write: not a row, and not the log into the file when it closes. All that it holds up, while a snapshot
/// is open, is that the log be begun anew. SQLite may leave an empty log beside a database that no server has.
/// </remarks>
public sealed class ReadOnlyDatabase : IDisposable
{
    private readonly DatabaseReaders _readers;
    private readonly KnownStateKeys _stateKeys;

    private ReadOnlyDatabase(DatabaseOptions options)
    {
        _readers = new DatabaseReaders(options, new PageCaches(options));
        _stateKeys = new KnownStateKeys(options.Memory);
    }

    /// <summary>How the bodies of events are packed.</summary>
    public EventBodyCodec Bodies { get; } = new();

    /// <exception cref="DatabaseException">Not there, not ours, of another schema, or not accessible.</exception>
    public static ReadOnlyDatabase Open(DatabaseOptions options)
    {
        options = options with { Path = Path.GetFullPath(options.Path) };
        if (!File.Exists(options.Path))
        {
            throw new DatabaseException($"{options.Path} is not there: no server has run on this data folder. Give another --data.");
        }

        try
        {
            using var connection = DatabaseConnection.OpenReadOnly(options.Path, options.CacheKiBPerConnection);
            DatabaseSchema.Require(connection, options.Path, Migrations.All);
            return new ReadOnlyDatabase(options);
        }
        catch (DatabaseException exception) when (exception.ResultCode != 0)
        {
            throw new DatabaseException($"{options.Path} cannot be opened. {exception.Message.TrimEnd('.')}.{exception.Advice}", exception);
        }
    }

    /// <summary>The database as it is now. Hold it briefly: the log of a running server grows meanwhile.</summary>
    public Snapshot OpenSnapshot() => new(_readers.Take(), _readers, Bodies, _stateKeys, position: 0);

    public void Dispose()
    {
        _readers.Dispose();
        Bodies.Dispose();
    }
}
