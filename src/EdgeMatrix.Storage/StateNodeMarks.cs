using EdgeMatrix.Storage.AuthChains;

namespace EdgeMatrix.Storage;

/// <summary>Finds the state nodes that something reads: a bit a node, in memory.</summary>
/// <remarks>Mark all roots, then go down through the parents: a parent has a lower number, so one way through the nodes marks them all.</remarks>
internal sealed class StateNodeMarks
{
    private const string LastSql = "SELECT coalesce(max(nid), 0) FROM state_nodes";
    private const string EventsSql = "SELECT nid, state FROM events WHERE nid > ? ORDER BY nid LIMIT ?";
    private const string RoomsSql = "SELECT nid, state FROM rooms WHERE nid > ? ORDER BY nid LIMIT ?";
    private const string CurrentStatesSql = "SELECT event, state FROM current_states WHERE event > ? ORDER BY event LIMIT ?";
    private const string BlocksSql = "SELECT room, first, entries FROM auth_chains WHERE (room, first) > (?, ?) ORDER BY room, first LIMIT ?";
    private const string ParentsSql = "SELECT nid, parent FROM state_nodes WHERE nid < ? ORDER BY nid DESC LIMIT ?";

    private readonly ulong[] _states;
    private readonly ulong[] _maps;

    public StateNodeMarks(Session db)
    {
        using var query = db.Prepare(LastSql);
        query.Step();
        Last = query.Int64(0);
        _states = new ulong[(Last / 64) + 1];
        _maps = new ulong[(Last / 64) + 1];
    }

    /// <summary>The newest node when marking began: about later ones the marks say nothing.</summary>
    public long Last { get; }

    /// <summary>Whether the node is, or is below, the state of a room or after an event.</summary>
    public bool IsState(long node) => Has(_states, node);

    /// <summary>Whether the node is, or is below, the map of an auth chain.</summary>
    public bool IsMap(long node) => Has(_maps, node);

    /// <summary>Marks the states of the next events.</summary>
    /// <returns>The last of them; null if that was all there are: those that come meanwhile refer to what is marked, or newer.</returns>
    public long? MarkEvents(Session db, long after, int limit) => MarkStates(db.Prepare(EventsSql).Bind(after).Bind(limit), limit);

    /// <inheritdoc cref="MarkEvents"/>
    public long? MarkRooms(Session db, long after, int limit) => MarkStates(db.Prepare(RoomsSql).Bind(after).Bind(limit), limit);

    /// <inheritdoc cref="MarkEvents"/>
    public long? MarkCurrentStates(Session db, long after, int limit) => MarkStates(db.Prepare(CurrentStatesSql).Bind(after).Bind(limit), limit);

    /// <summary>Marks the maps of the next blocks of auth chains.</summary>
    /// <returns>The last of them; null if that was all there are: those that come meanwhile refer to what is marked, or newer.</returns>
    public (long Room, long First)? MarkAuthChains(Session db, (long Room, long First) after, int limit)
    {
        using var blocks = db.Prepare(BlocksSql).Bind(after.Room).Bind(after.First).Bind(limit);
        (long, long) last = default;
        var count = 0;
        for (; blocks.Step(); count++)
        {
            last = (blocks.Int64(0), blocks.Int64(1));
            foreach (var entry in AuthChainBlock.Read(blocks.Blob(2)))
            {
                Mark(_maps, entry.Reach.Node);
            }
        }

        return count == limit ? last : null;
    }

    /// <summary>Marks the parents of the marked among the next nodes below.</summary>
    /// <returns>The last of them; null if that was all there are: those that come meanwhile refer to what is marked, or newer.</returns>
    public long? MarkParents(Session db, long below, int limit)
    {
        using var nodes = db.Prepare(ParentsSql).Bind(below).Bind(limit);
        var (last, count) = (0L, 0);
        for (; nodes.Step(); count++)
        {
            last = nodes.Int64(0);
            MarkIf(_states, last, nodes.Int64(1));
            MarkIf(_maps, last, nodes.Int64(1));
        }

        return count == limit ? last : null;
    }

    // What was made since marking began stays, and so does what it builds on.
    private bool Has(ulong[] marks, long node) => node > Last || (marks[node / 64] & (1UL << (int)(node % 64))) != 0;

    private static void Mark(ulong[] marks, long node)
    {
        if (node / 64 < marks.Length)
        {
            marks[node / 64] |= 1UL << (int)(node % 64);
        }
    }

    private void MarkIf(ulong[] marks, long node, long parent)
    {
        if (Has(marks, node))
        {
            Mark(marks, parent);
        }
    }

    private long? MarkStates(Statement query, int limit)
    {
        using (query)
        {
            var (last, count) = (0L, 0);
            for (; query.Step(); count++)
            {
                last = query.Int64(0);
                Mark(_states, query.Int64(1));
            }

            return count == limit ? last : null;
        }
    }
}
