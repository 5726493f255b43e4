using Microsoft.Data.Sqlite;

namespace EdgeMatrix.Storage;

/// <summary>A reading connection inside a read transaction: everything read from it is of one moment.</summary>
public sealed class Snapshot : Session, IDisposable
{
    private readonly ReaderPool _pool;

    internal Snapshot(ReaderPool pool, SqliteConnection connection, EventBodyCodec bodies)
        : base(connection, bodies) => _pool = pool;

    /// <summary>Ends the read transaction and gives the connection back.</summary>
    public void Dispose()
    {
        Execute("COMMIT");
        _pool.Return(this);
    }

    internal void Begin() => Execute("BEGIN");
}
