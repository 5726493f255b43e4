using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using SQLitePCL;

namespace EdgeMatrix.Storage;

/// <summary>
/// A compiled SQL statement, lent by <see cref="Session.Prepare"/> until it is disposed of. Bind its parameters in their
/// order, then <see cref="Step"/> through the rows or <see cref="Run"/> it; binding again starts it anew.
/// </summary>
/// <example><code>
/// using var query = session.Prepare("SELECT nid FROM rooms WHERE room_id = ?").Bind(id);
/// return query.Step() ? query.Int64(0) : null;
/// </code></example>
public sealed class Statement : IDisposable
{
    private const int MaxStackBytes = 768;

    private readonly DatabaseConnection _connection;
    private readonly sqlite3_stmt _statement;
    private readonly int _parameters;
    private nint _handle;
    private int _bound;
    private bool _started;

    internal Statement(DatabaseConnection connection, sqlite3_stmt statement, string sql)
    {
        _connection = connection;
        _statement = statement;
        _handle = statement.DangerousGetHandle();
        _parameters = raw.sqlite3_bind_parameter_count(statement);
        Sql = sql;
    }

    /// <summary>Rows inserted, updated or deleted by the last <see cref="Run"/> of such a statement.</summary>
    public long Changes { get; private set; }

    internal string Sql { get; }

    internal bool IsInUse { get; private set; }

    internal long LastUse { get; private set; }

    public Statement Bind(long value)
    {
        var index = NextParameter();
        return Bound(StatementCalls.BindInt64(_handle, index, value));
    }

    public Statement Bind(int value) => Bind((long)value);

    /// <summary>Binds 1 or 0.</summary>
    public Statement Bind(bool value) => Bind(value ? 1L : 0L);

    public Statement Bind(long? value) => value is { } number ? Bind(number) : BindNull();

    /// <summary>Binds TEXT, or NULL for null.</summary>
    public Statement Bind(string? value)
    {
        if (value is null)
        {
            return BindNull();
        }

        var index = NextParameter();
        var maxBytes = Encoding.UTF8.GetMaxByteCount(value.Length);
        if (maxBytes <= MaxStackBytes)
        {
            Span<byte> buffer = stackalloc byte[MaxStackBytes];
            return Bound(StatementCalls.BindText(_handle, index, buffer[..Encoding.UTF8.GetBytes(value, buffer)]));
        }

        var rented = ArrayPool<byte>.Shared.Rent(maxBytes);
        var code = StatementCalls.BindText(_handle, index, rented.AsSpan(0, Encoding.UTF8.GetBytes(value, rented)));
        ArrayPool<byte>.Shared.Return(rented);
        return Bound(code);
    }

    /// <summary>Binds a BLOB; an empty span is a BLOB without bytes, not NULL.</summary>
    public Statement Bind(ReadOnlySpan<byte> value)
    {
        var index = NextParameter();
        return Bound(StatementCalls.BindBlob(_handle, index, value));
    }

    /// <summary>Binds a BLOB, or NULL for null.</summary>
    public Statement Bind(byte[]? value) => value is null ? BindNull() : Bind(value.AsSpan());

    public Statement BindNull()
    {
        var index = NextParameter();
        return Bound(StatementCalls.BindNull(_handle, index));
    }

    /// <summary>Goes to the next row, or to the first; false after the last one.</summary>
    /// <exception cref="DatabaseException">SQLite failed: a constraint, a full or broken disk.</exception>
    public bool Step()
    {
        ObjectDisposedException.ThrowIf(!IsInUse, this);
        if (!_started)
        {
            if (_bound != _parameters)
            {
                throw new InvalidOperationException($"{_bound} of {_parameters} parameters are bound: {Sql}");
            }

            _started = true;
            _connection.CountRun();
        }

        var code = StatementCalls.Step(_handle);
        switch (code)
        {
            case raw.SQLITE_ROW:
                _connection.CountRow();
                return true;
            case raw.SQLITE_DONE:
                Reset();
                return false;
            default:
                var failure = _connection.Failure(code);
                Reset();
                throw failure;
        }
    }

    /// <summary>Runs the statement to its end; it can then be bound and run again.</summary>
    /// <exception cref="DatabaseException">SQLite failed: a constraint, a full or broken disk.</exception>
    public void Run()
    {
        while (Step())
        {
        }

        Changes = raw.sqlite3_changes(_connection.Handle);
    }

    [SuppressMessage("Naming", "CA1720", Justification = "It names the column type to read, as IDataRecord does.")]
    public long Int64(int column) => StatementCalls.Int64(_handle, column);

    [SuppressMessage("Naming", "CA1720", Justification = "It names the column type to read, as IDataRecord does.")]
    public int Int32(int column) => (int)Int64(column);

    /// <summary>The text of the column; empty for NULL.</summary>
    public string Text(int column) => Encoding.UTF8.GetString(Blob(column));

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    public long? Int64OrNull(int column) => IsNull(column) ? null : Int64(column);

    /// <summary>The bytes of a BLOB, or the UTF-8 of TEXT; valid until the next <see cref="Step"/>.</summary>
    public ReadOnlySpan<byte> Blob(int column) => StatementCalls.Blob(_handle, column);

    public bool IsNull(int column) => StatementCalls.Type(_handle, column) == raw.SQLITE_NULL;

    /// <summary>Gives the statement back, reset and without its values.</summary>
    public void Dispose()
    {
        if (!IsInUse)
        {
            return;
        }

        Reset();
        if (_parameters > 0)
        {
            // Bound text and blobs are copies: without this the cache would keep the last ones alive.
            _ = StatementCalls.ClearBindings(_handle);
        }

        IsInUse = false;
        _connection.Return(this);
    }

    internal void Take(long use)
    {
        IsInUse = true;
        LastUse = use;
        Changes = 0;
    }

    /// <summary>Instructions that SQLite's machine ran for this statement: they grow with the rows it looks at, found or not.</summary>
    internal long Steps => raw.sqlite3_stmt_status(_statement, raw.SQLITE_STMTSTATUS_VM_STEP, 0);

    internal void Close()
    {
        _handle = 0;
        raw.sqlite3_finalize(_statement);
    }

    private int NextParameter()
    {
        ObjectDisposedException.ThrowIf(!IsInUse, this);
        if (_started)
        {
            Reset();
        }

        return ++_bound;
    }

    private Statement Bound(int code) => code == raw.SQLITE_OK ? this : throw _connection.Failure(code);

    private void Reset()
    {
        // Reports again what the last step reported, if that failed.
        _ = StatementCalls.Reset(_handle);
        _started = false;
        _bound = 0;
    }
}
