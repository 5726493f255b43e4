using EdgeMatrix.Storage;

namespace EdgeMatrix.Crash.Tests;

/// <summary>Every row of every table, each told by a hash of its bytes, at a moment when nothing was being written.</summary>
internal sealed class DatabaseRows
{
    private const ulong FnvOffset = 14695981039346656037;
    private const ulong FnvPrime = 1099511628211;

    private readonly Dictionary<ulong, string> _rows = [];

    private DatabaseRows(long position) => Position = position;

    /// <summary>The highest stream position on the disk.</summary>
    public long Position { get; }

    public int Count => _rows.Count;

    public static DatabaseRows Of(Database database)
    {
        using var db = database.OpenSnapshot();
        var rows = new DatabaseRows(db.Position);
        foreach (var (table, columns) in Tables(db))
        {
            using var query = db.Prepare($"SELECT * FROM {table}");
            while (query.Step())
            {
                rows._rows[Hash(table, query, columns)] = table;
            }
        }

        return rows;
    }

    /// <summary>The tables in which the image has lost or altered rows that this and the next moment agree on, or holds rows of neither.</summary>
    /// <param name="next">Null: nothing was done after this moment.</param>
    /// <param name="manyWrites">Between the moments were several writes: rows of neither are those of a moment between them.</param>
    public List<string> Misses(DatabaseRows image, DatabaseRows? next, bool manyWrites)
    {
        var wrong = new List<string>();
        if (image.Position < Position)
        {
            wrong.Add($"position {Position} was given to clients, and {image.Position + 1} is next");
        }

        foreach (var (row, table) in _rows)
        {
            if ((next is null || next._rows.ContainsKey(row)) && !image._rows.ContainsKey(row))
            {
                wrong.Add($"a row of {table} is lost");
            }
        }

        foreach (var (row, table) in image._rows)
        {
            if (!manyWrites && !_rows.ContainsKey(row) && next?._rows.ContainsKey(row) != true)
            {
                wrong.Add($"a row of {table} never was");
            }
        }

        return wrong;
    }

    private static List<(string Table, int Columns)> Tables(Session db)
    {
        var tables = new List<(string, int)>();
        using var query = db.Prepare("""
            SELECT name, (SELECT count(*) FROM pragma_table_info(name)) FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite_%'
            """);
        while (query.Step())
        {
            tables.Add((query.Text(0), query.Int32(1)));
        }

        return tables;
    }

    private static ulong Hash(string table, Statement row, int columns)
    {
        var hash = FnvOffset;
        foreach (var letter in table)
        {
            hash = (hash ^ letter) * FnvPrime;
        }

        for (var column = 0; column < columns; column++)
        {
            hash = (hash ^ (row.IsNull(column) ? 0x100u : 0x200u)) * FnvPrime;
            foreach (var value in row.Blob(column))
            {
                hash = (hash ^ value) * FnvPrime;
            }
        }

        return hash;
    }
}
