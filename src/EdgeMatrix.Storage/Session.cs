namespace EdgeMatrix.Storage;

/// <summary>Where SQL runs: a <see cref="Snapshot"/> to read, or the <see cref="WriteTransaction"/>. Not thread-safe.</summary>
public abstract class Session
{
    private DatabaseConnection? _connection;

    private protected Session(DatabaseConnection connection) => _connection = connection;

    private protected DatabaseConnection Connection =>
        _connection ?? throw new ObjectDisposedException(GetType().Name, "The transaction has ended.");

    /// <summary>
    /// Lends the statement, compiled once per connection; dispose of it when done. The same SQL asked for while it is in
    /// use gives a second one, so that nested use is safe.
    /// </summary>
    /// <exception cref="DatabaseException">The SQL is wrong.</exception>
    public Statement Prepare(string sql) => Connection.Prepare(sql);

    private protected DatabaseConnection? End() => Interlocked.Exchange(ref _connection, null);
}
