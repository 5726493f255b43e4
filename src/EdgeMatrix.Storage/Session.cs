using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace EdgeMatrix.Storage;

/// <summary>A connection inside a transaction, with its compiled statements. Used by one thread at a time.</summary>
public abstract class Session
{
    // The program has fewer statements than this; a bound all the same.
    private const int MaxIdle = 256;

    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, Stack<Statement>> _idle = [];
    private int _idleCount;

    private protected Session(SqliteConnection connection, EventBodyCodec bodies)
    {
        _connection = connection;
        Bodies = bodies;
    }

    /// <summary>Packs and unpacks event bodies.</summary>
    public EventBodyCodec Bodies { get; }

    /// <summary>How many statements were run on this connection.</summary>
    public long StatementsRun { get; private set; }

    internal sqlite3 Handle => _connection.Handle!;

    /// <summary>A statement ready to bind; dispose it to give it back.</summary>
    /// <param name="sql">A constant: compiled once for each connection, and once more for each nested use.</param>
    public Statement Prepare(string sql)
    {
        StatementsRun++;
        if (_idle.TryGetValue(sql, out var idle) && idle.TryPop(out var known))
        {
            _idleCount--;
            return known;
        }

        var result = raw.sqlite3_prepare_v3(Handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var handle);
        return result == raw.SQLITE_OK
            ? new Statement(this, sql, handle)
            : throw new DatabaseException($"{raw.sqlite3_errmsg(Handle).utf8_to_string()} in: {sql.ReplaceLineEndings(" ")}");
    }

    internal void Return(Statement statement)
    {
        if (_idleCount >= MaxIdle)
        {
            statement.Close();
            return;
        }

        if (!_idle.TryGetValue(statement.Sql, out var idle))
        {
            _idle[statement.Sql] = idle = new Stack<Statement>();
        }

        idle.Push(statement);
        _idleCount++;
    }

    internal void Execute(string sql)
    {
        using var statement = Prepare(sql);
        statement.Run();
    }

    internal void Close()
    {
        foreach (var statement in _idle.Values.SelectMany(s => s))
        {
            statement.Close();
        }

        _idle.Clear();
        _connection.Dispose();
    }
}
