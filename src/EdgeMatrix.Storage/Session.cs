using System.Diagnostics.CodeAnalysis;

namespace EdgeMatrix.Storage;

/// <summary>Where SQL runs: a <see cref="Snapshot"/> to read, or the <see cref="WriteTransaction"/>. Not thread-safe.</summary>
public abstract class Session
{
    private DatabaseConnection? _connection;

    private protected Session(DatabaseConnection connection, EventBodyCodec bodies, KnownStateKeys stateKeys)
    {
        _connection = connection;
        Bodies = bodies;
        StateKeys = stateKeys;
    }

    /// <summary>How the bodies of events are packed.</summary>
    internal EventBodyCodec Bodies { get; }

    internal KnownStateKeys StateKeys { get; }

    /// <summary>Null where what was read may change: while writing.</summary>
    internal virtual SnapshotRows? Rows => null;

    private protected DatabaseConnection Connection
    {
        get
        {
            EnsureOpen();
            return _connection;
        }
    }

    /// <summary>
    /// Lends the statement, compiled once per connection; dispose of it when done. The same SQL asked for while it is in
    /// use gives a second one, so that nested use is safe.
    /// </summary>
    /// <exception cref="DatabaseException">The SQL is wrong.</exception>
    public Statement Prepare(string sql) => Connection.Prepare(sql);

    [MemberNotNull(nameof(_connection))]
    private protected void EnsureOpen() => ObjectDisposedException.ThrowIf(_connection is null, this);

    private protected DatabaseConnection? End() => Interlocked.Exchange(ref _connection, null);
}
