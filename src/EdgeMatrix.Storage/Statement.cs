using System.Text;
using SQLitePCL;

namespace EdgeMatrix.Storage;

/// <summary>A compiled statement: bind by position, step, read; reading a row allocates nothing but the values asked for.</summary>
/// <remarks>Taken from <see cref="Session.Prepare"/>; disposing gives it back to its session, reset.</remarks>
public sealed class Statement : IDisposable
{
    private readonly Session _session;
    private readonly sqlite3_stmt _handle;
    private int _bound;

    internal Statement(Session session, string sql, sqlite3_stmt handle)
    {
        _session = session;
        Sql = sql;
        _handle = handle;
    }

    internal string Sql { get; }

    /// <summary>How many rows the last <see cref="Run"/> changed.</summary>
    public int Changes { get; private set; }

    public Statement Bind(long value)
    {
        Check(raw.sqlite3_bind_int64(_handle, ++_bound, value));
        return this;
    }

    public Statement Bind(long? value) => value is { } given ? Bind(given) : BindNull();

    public Statement Bind(int value) => Bind((long)value);

    public Statement Bind(bool value) => Bind(value ? 1L : 0L);

    public Statement Bind(string? value)
    {
        if (value is null)
        {
            return BindNull();
        }

        Check(raw.sqlite3_bind_text(_handle, ++_bound, value));
        return this;
    }

    public Statement Bind(ReadOnlySpan<byte> value)
    {
        // An empty span may have no address, which SQLite would take for null.
        Check(value.IsEmpty
            ? raw.sqlite3_bind_zeroblob(_handle, ++_bound, 0)
            : raw.sqlite3_bind_blob(_handle, ++_bound, value));
        return this;
    }

    public Statement Bind(byte[] value) => Bind(value.AsSpan());

    public Statement BindNull()
    {
        Check(raw.sqlite3_bind_null(_handle, ++_bound));
        return this;
    }

    /// <summary>Moves to the next row; false after the last.</summary>
    public bool Step()
    {
        var result = raw.sqlite3_step(_handle);
        if (result == raw.SQLITE_ROW)
        {
            return true;
        }

        if (result != raw.SQLITE_DONE)
        {
            Check(result);
        }

        return false;
    }

    /// <summary>Runs a statement that returns no rows.</summary>
    public void Run()
    {
        while (Step())
        {
        }

        Changes = raw.sqlite3_changes(_session.Handle);
        raw.sqlite3_reset(_handle);
    }

    public bool IsNull(int column) => raw.sqlite3_column_type(_handle, column) == raw.SQLITE_NULL;

    public long Int64(int column) => raw.sqlite3_column_int64(_handle, column);

    public int Int32(int column) => raw.sqlite3_column_int(_handle, column);

    public string Text(int column) => Encoding.UTF8.GetString(raw.sqlite3_column_blob(_handle, column));

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    /// <summary>The bytes of a column, valid until the next step.</summary>
    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(_handle, column);

    public void Dispose()
    {
        raw.sqlite3_reset(_handle);
        raw.sqlite3_clear_bindings(_handle);
        _bound = 0;
        _session.Return(this);
    }

    internal void Close() => _handle.manual_close();

    private void Check(int result)
    {
        if (result != raw.SQLITE_OK)
        {
            var message = raw.sqlite3_errmsg(_session.Handle).utf8_to_string();
            raw.sqlite3_reset(_handle);
            throw new DatabaseException($"{message} (SQLite error {result}) in: {Sql.ReplaceLineEndings(" ")}");
        }
    }
}
