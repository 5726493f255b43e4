using System.Runtime.InteropServices;

namespace EdgeMatrix.Storage;

/// <summary>
/// SQLite's calls of which every row takes several, on the bare handle of a statement. The provider's own count a reference to its handle
/// before and after each, which was a twentieth of an initial sync; here <see cref="Statement"/> alone has the handle, and forgets it when it closes.
/// A null handle SQLite takes for a misuse when it binds and steps, and for a row without values; none may be given to <see cref="ClearBindings"/>.
/// </summary>
/// <remarks>
/// Those that only pick a value up or put one down do not even let the garbage collector in. What they are marked with is a promise that they are
/// quick and wait for nothing: connections are opened without a mutex.
/// </remarks>
internal static unsafe partial class StatementCalls
{
    private const string Library = "e_sqlite3";

    // SQLITE_TRANSIENT: SQLite makes a copy of its own.
    private const nint Copied = -1;

    [LibraryImport(Library, EntryPoint = "sqlite3_step")]
    public static partial int Step(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_reset")]
    public static partial int Reset(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_clear_bindings")]
    public static partial int ClearBindings(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_int64")]
    [SuppressGCTransition]
    public static partial int BindInt64(nint statement, int index, long value);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_null")]
    [SuppressGCTransition]
    public static partial int BindNull(nint statement, int index);

    public static int BindText(nint statement, int index, ReadOnlySpan<byte> text)
    {
        // A null pointer would be NULL.
        var none = (byte)0;
        fixed (byte* start = text)
        {
            return BindText(statement, index, start is null ? &none : start, text.Length, Copied);
        }
    }

    public static int BindBlob(nint statement, int index, ReadOnlySpan<byte> blob)
    {
        var none = (byte)0;
        fixed (byte* start = blob)
        {
            return BindBlob(statement, index, start is null ? &none : start, blob.Length, Copied);
        }
    }

    [LibraryImport(Library, EntryPoint = "sqlite3_column_int64")]
    [SuppressGCTransition]
    public static partial long Int64(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_type")]
    [SuppressGCTransition]
    public static partial int Type(nint statement, int column);

    /// <summary>The bytes of a BLOB or TEXT, valid until the next step.</summary>
    public static ReadOnlySpan<byte> Blob(nint statement, int column)
    {
        // In this order, as SQLite's manual has it: the first may convert what the second counts.
        var start = ColumnBlob(statement, column);
        return new ReadOnlySpan<byte>(start, start is null ? 0 : ColumnBytes(statement, column));
    }

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_text")]
    private static partial int BindText(nint statement, int index, byte* text, int length, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_blob")]
    private static partial int BindBlob(nint statement, int index, byte* blob, int length, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_blob")]
    private static partial byte* ColumnBlob(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_bytes")]
    [SuppressGCTransition]
    private static partial int ColumnBytes(nint statement, int column);
}
