namespace EdgeMatrix.Storage;

/// <summary>Deletes the state nodes that nothing reads any more, once events are gone: beside the server's work, in slices.</summary>
/// <remarks>
/// 1. Where an event or an auth chain was deleted, or an event given another state, a trigger says in <c>loose_state_nodes</c> that there
///    may be such nodes. Without it nothing is done, and no more than that one row read.
/// 2. Mark what is read. A node that was read when this began is read by a row that was there all the time, unless the trigger tells of a
///    row that is gone: then this round ends, and the next run begins anew.
/// 3. Delete what has no mark. A node that nothing reads stays so, since only the job that made a node, or who found it read, can refer to it.
/// <para>The marks are in memory. After a power cut they are made again: the row of step 1 goes last.</para>
/// </remarks>
public sealed class StateNodeCollector
{
    private const int RowsASlice = 2_048;
    private const int RowsABlock = 32;

    private const string IsLooseSql = "SELECT 1 FROM loose_state_nodes";
    private const string IsCollectingSql = "SELECT 1 FROM loose_state_nodes WHERE collecting = 1";
    private const string BeginSql = "UPDATE loose_state_nodes SET collecting = 1";
    private const string EndSql = "DELETE FROM loose_state_nodes WHERE collecting = 1";
    private const string NodesSql = "SELECT nid FROM state_nodes WHERE nid > ? AND nid <= ? ORDER BY nid LIMIT ?";
    private const string DeleteChunksSql = "DELETE FROM state_chunks WHERE node = ?";
    private const string DeleteSql = "DELETE FROM state_nodes WHERE nid = ?";

    private readonly Database _database;
    private readonly int _rows;
    private readonly Queue<Func<Session, bool>> _marking = new();
    private StateNodeMarks? _marks;
    private long _swept;

    public StateNodeCollector(Database database)
        : this(database, RowsASlice)
    {
    }

    /// <param name="rows">How many rows a slice looks at.</param>
    internal StateNodeCollector(Database database, int rows) => (_database, _rows) = (database, rows);

    /// <summary>Nodes deleted since the start.</summary>
    public long Deleted { get; private set; }

    /// <summary>Does the next slice.</summary>
    /// <returns>Whether there is more to do.</returns>
    public async Task<bool> SliceAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_marks is null)
        {
            return await BeginAsync();
        }

        if (_marking.TryPeek(out var mark))
        {
            using var snapshot = _database.OpenSnapshot();
            if (!mark(snapshot))
            {
                _marking.Dequeue();
            }

            return true;
        }

        // If the disk does not take it, the next run begins anew.
        var marks = _marks;
        _marks = null;
        var (swept, deleted) = await _database.WriteAsync(db => Sweep(db, marks));
        Deleted += deleted;
        _swept = swept ?? 0;
        _marks = swept is null ? null : marks;
        return swept is not null;
    }

    private async Task<bool> BeginAsync()
    {
        using (var snapshot = _database.OpenSnapshot())
        {
            if (!Any(snapshot, IsLooseSql))
            {
                return false;
            }
        }

        await _database.WriteAsync(static db =>
        {
            using var begin = db.Prepare(BeginSql);
            begin.Run();
        });
        using var begun = _database.OpenSnapshot();
        var marks = new StateNodeMarks(begun);
        _marks = marks;
        _swept = 0;

        // Each of them until it comes to its end. Rooms first: where one moves on from a state that no event has, the event that it moves
        // to has that state, or a new node over it, and both are still to be marked.
        var (lastEvent, lastRoom, lastCurrent, lastBlock, lowest) = (0L, 0L, 0L, (Room: 0L, First: 0L), long.MaxValue);
        _marking.Clear();
        _marking.Enqueue(db => marks.MarkRooms(db, lastRoom, _rows) is { } last && (lastRoom = last) > 0);
        _marking.Enqueue(db => marks.MarkEvents(db, lastEvent, _rows) is { } last && (lastEvent = last) > 0);
        _marking.Enqueue(db => marks.MarkCurrentStates(db, lastCurrent, _rows) is { } last && (lastCurrent = last) > 0);
        _marking.Enqueue(db => marks.MarkAuthChains(db, lastBlock, 1 + (_rows / RowsABlock)) is { } last && (lastBlock = last).Room > 0);
        _marking.Enqueue(db => marks.MarkParents(db, lowest, _rows) is { } last && (lowest = last) > 0);
        return true;
    }

    // The last node looked at; null if the round is over.
    private (long? Swept, int Deleted) Sweep(WriteTransaction db, StateNodeMarks marks)
    {
        // Once nodes are being deleted, what else goes is for another round.
        if (_swept == 0 && !Any(db, IsCollectingSql))
        {
            return (null, 0);
        }

        // The newest node goes last if it goes: until then no number is used twice.
        var nodes = Next(db, marks.Last);
        var isLast = nodes.Count < _rows;
        var deleted = 0;
        foreach (var node in nodes.Where(node => (isLast || node < marks.Last) && !marks.IsState(node) && !marks.IsMap(node)))
        {
            Delete(db, DeleteChunksSql, node);
            Delete(db, DeleteSql, node);
            deleted++;
        }

        if (!isLast)
        {
            return (nodes[^1], deleted);
        }

        using var end = db.Prepare(EndSql);
        end.Run();
        return (null, deleted);
    }

    private List<long> Next(Session db, long last)
    {
        using var query = db.Prepare(NodesSql).Bind(_swept).Bind(last).Bind(_rows);
        var nodes = new List<long>();
        while (query.Step())
        {
            nodes.Add(query.Int64(0));
        }

        return nodes;
    }

    private static void Delete(WriteTransaction db, string sql, long node)
    {
        using var delete = db.Prepare(sql).Bind(node);
        delete.Run();
    }

    private static bool Any(Session db, string sql)
    {
        using var query = db.Prepare(sql);
        return query.Step();
    }
}
