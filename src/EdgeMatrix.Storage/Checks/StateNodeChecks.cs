namespace EdgeMatrix.Storage.Checks;

/// <summary>Holds <c>state_nodes</c> and <c>state_chunks</c> to what <see cref="StateNodes"/> relies on.</summary>
internal static class StateNodeChecks
{
    private const string NodesSql = "SELECT nid, parent, entries FROM state_nodes ORDER BY nid";
    private const string OrphanChunksSql = "SELECT DISTINCT node FROM state_chunks c WHERE NOT EXISTS (SELECT 1 FROM state_nodes WHERE nid = c.node)";
    private const string ChunkStartsSql = "SELECT first_key, delta FROM state_chunks WHERE node = ?";
    private const string HasNodeSql = "SELECT 1 FROM state_nodes WHERE nid = ?";
    private const string HasKeySql = "SELECT 1 FROM state_keys WHERE nid = ?";
    private const string HasEventSql = "SELECT 1 FROM events WHERE nid = ? AND state_key = ?";
    private const string HasStateEventSql = "SELECT 1 FROM events WHERE nid = ? AND state_key IS NOT NULL";

    public static IEnumerable<string> Findings(Session db)
    {
        using (var orphans = db.Prepare(OrphanChunksSql))
        {
            while (orphans.Step())
            {
                yield return $"The chunks of state node {orphans.Int64(0)} have no node.";
            }
        }

        var (marks, unreadable) = Marks(db);
        if (unreadable is not null)
        {
            yield return unreadable;
        }

        // What nothing reads is on its way out, and may name what is gone.
        using var nodes = db.Prepare(NodesSql);
        while (nodes.Step())
        {
            var node = nodes.Int64(0);
            if ((marks.IsState(node) || marks.IsMap(node)) && Fault(db, node, nodes.Int64(1), nodes.Int64(2), marks.IsMap(node)) is { } fault)
            {
                yield return $"State node {node} {fault}.";
            }
        }
    }

    private static (StateNodeMarks Marks, string? Unreadable) Marks(Session db)
    {
        var marks = new StateNodeMarks(db);
        marks.MarkEvents(db, 0, int.MaxValue);
        marks.MarkRooms(db, 0, int.MaxValue);
        marks.MarkCurrentStates(db, 0, int.MaxValue);
        string? unreadable = null;
        try
        {
            marks.MarkAuthChains(db, default, int.MaxValue);
        }
        catch (DatabaseException exception)
        {
            unreadable = exception.Message;
        }

        marks.MarkParents(db, marks.Last + 1, int.MaxValue);
        return (marks, unreadable);
    }

    private static string? Fault(Session db, long node, long parent, long entries, bool isMap)
    {
        if (parent >= node || (parent != StateNodes.Empty && !Has(db, HasNodeSql, parent)))
        {
            return $"has the parent {parent}, which is not there";
        }

        try
        {
            return ChunkFault(db, node) ?? EntriesFault(db, node, entries, isMap);
        }
        catch (DatabaseException exception)
        {
            return "cannot be read: " + exception.Message;
        }
    }

    private static string? ChunkFault(Session db, long node)
    {
        using var chunks = db.Prepare(ChunkStartsSql).Bind(node);
        while (chunks.Step())
        {
            var delta = new StateDelta(chunks.Blob(1));
            if (!delta.Next(out var first) || first.StateKey != chunks.Int64(0))
            {
                return $"has a chunk that does not begin with its key {chunks.Int64(0)}";
            }
        }

        return null;
    }

    private static string? EntriesFault(Session db, long node, long entries, bool isMap)
    {
        var cursor = new StateCursor(db, node);
        var last = 0L;
        var count = 0L;
        for (; cursor.Next(); count++)
        {
            var entry = cursor.Current;
            if (entry.StateKey <= last)
            {
                return "has keys out of order";
            }

            last = entry.StateKey;
            if (isMap)
            {
                if (!Has(db, HasStateEventSql, entry.StateKey) || !Has(db, HasStateEventSql, entry.Event))
                {
                    return $"names the chain {entry.StateKey} up to {entry.Event}, which are not there";
                }

                continue;
            }

            if (!Has(db, HasKeySql, entry.StateKey))
            {
                return $"names the key {entry.StateKey}, which is not there";
            }

            if (entry.Event != 0 && !Has(db, HasEventSql, entry.Event, entry.StateKey))
            {
                return $"names the event {entry.Event}, which is not there or of another key";
            }
        }

        return count == entries || entries == StateNodes.NotKnown ? null : $"has {count} entries, not {entries}";
    }

    private static bool Has(Session db, string sql, long nid)
    {
        using var query = db.Prepare(sql).Bind(nid);
        return query.Step();
    }

    private static bool Has(Session db, string sql, long nid, long key)
    {
        using var query = db.Prepare(sql).Bind(nid).Bind(key);
        return query.Step();
    }
}
