namespace EdgeMatrix.Storage;

/// <summary>Hands out stream positions from blocks reserved in table <c>sequence</c>. Belongs to whoever writes.</summary>
internal sealed class StreamPositions
{
    private const int BlockSize = 1000;

    // SQLite writes no page that stays as it is.
    private const string ProbeSql = """
        INSERT INTO sequence (name, reserved) VALUES ('probe', 1) ON CONFLICT (name) DO UPDATE SET reserved = reserved + 1
        """;

    private long _last;

    public StreamPositions(DatabaseConnection connection)
    {
        using var query = connection.Prepare("SELECT reserved FROM sequence WHERE name = 'position'");
        Reserved = query.Step() ? query.Int64(0) : 0;
        _last = Reserved;
    }

    /// <summary>How far positions are reserved on disk, or in the transaction that is open. Set back when that is rolled back.</summary>
    public long Reserved { get; set; }

    public long Next(DatabaseConnection connection)
    {
        if (++_last > Reserved)
        {
            var reserved = _last - 1 + BlockSize;
            using var update = connection.Prepare("INSERT OR REPLACE INTO sequence (name, reserved) VALUES ('position', ?)").Bind(reserved);
            update.Run();
            Reserved = reserved;
        }

        return _last;
    }

    /// <summary>Leaves positions out: as many as are asked for, that nothing is ever at.</summary>
    public void Skip(long count) => _last += count;

    /// <summary>Counts a probe: a few bytes that the disk must take, and that mean nothing.</summary>
    public static void Probe(WriteTransaction db)
    {
        using var upsert = db.Prepare(ProbeSql);
        upsert.Run();
    }
}
