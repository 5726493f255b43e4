using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace EdgeMatrix.Storage;

/// <summary>The writing connection inside the transaction of a group of writes.</summary>
public sealed class WriteTransaction : Session
{
    // Positions are reserved on the disk in blocks, so that the sequence costs no write for each of them.
    private const int Block = 1_000;
    private const string ReservedSql = "SELECT reserved FROM sequence WHERE name = 'position'";

    private const string ReserveSql = """
        INSERT INTO sequence (name, reserved) VALUES ('position', ?) ON CONFLICT (name) DO UPDATE SET reserved = excluded.reserved
        """;

    private readonly List<Action> _afterCommit = [];
    private long _reserved;

    internal WriteTransaction(SqliteConnection connection, EventBodyCodec bodies)
        : base(connection, bodies)
    {
        using var query = Prepare(ReservedSql);
        // Whatever was reserved by an earlier run may have been handed out.
        _reserved = query.Step() ? query.Int64(0) : 0;
        Position = _reserved;
    }

    /// <summary>The last stream position handed out.</summary>
    internal long Position { get; private set; }

    public long LastInsertRowId => raw.sqlite3_last_insert_rowid(Handle);

    /// <summary>The next stream position: one ever-growing sequence for all that clients sync, in commit order.</summary>
    public long NextPosition()
    {
        if (Position == _reserved)
        {
            using var reserve = Prepare(ReserveSql).Bind(_reserved + Block);
            reserve.Run();
            _reserved += Block;
        }

        return ++Position;
    }

    /// <summary>Runs when the group is on the disk, in the order of the writes; not if this write or the group is rolled back.</summary>
    public void AfterCommit(Action action) => _afterCommit.Add(action);

    internal int Mark() => _afterCommit.Count;

    internal void RollBackTo(int mark) => _afterCommit.RemoveRange(mark, _afterCommit.Count - mark);

    /// <summary>Reads again what is reserved, after a rollback that may have undone it.</summary>
    internal void ReloadReserved()
    {
        using var query = Prepare(ReservedSql);
        var stored = query.Step() ? query.Int64(0) : 0;
        // A position is never handed out twice: if the reservation was undone, the next one reserves anew from here.
        _reserved = stored < Position ? Position : stored;
    }

    internal List<Action> TakeAfterCommit()
    {
        List<Action> actions = [.. _afterCommit];
        _afterCommit.Clear();
        return actions;
    }
}
