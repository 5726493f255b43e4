namespace EdgeMatrix.Storage;

/// <summary>The database as it was at one moment; later commits do not show. Short-lived: dispose of it to give it back.</summary>
public sealed class Snapshot : Session, IDisposable
{
    private readonly DatabaseReaders _readers;

    internal Snapshot(DatabaseConnection connection, DatabaseReaders readers, EventBodyCodec bodies, KnownStateKeys stateKeys, long position)
        : base(connection, bodies, stateKeys)
    {
        _readers = readers;
        Position = position;
    }

    /// <summary>
    /// A stream position up to which the snapshot has everything. It may hold a little more: bound a query of a stream by this.
    /// </summary>
    public long Position { get; }

    internal override SnapshotRows Rows { get; } = new();

    public void Dispose()
    {
        if (End() is { } connection)
        {
            _readers.Return(connection);
        }
    }
}
