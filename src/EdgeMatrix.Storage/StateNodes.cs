namespace EdgeMatrix.Storage;

/// <summary>States of rooms as immutable nodes: the state of the parent with a delta laid over it.</summary>
/// <remarks>
/// Deltas are merged as in a log-structured tree: nodes fall into tiers by their number of entries, each
/// <see cref="FanOut"/> times the one before, and whenever a chain would end in that many nodes of one tier, the new node
/// takes all of their entries instead of naming them as its parents. So a chain has O(log n) nodes, and an entry is
/// written again O(log n) times, however large the state. Old nodes stay as they are: a state once named is the same for ever.
/// </remarks>
public static class StateNodes
{
    /// <summary>The state without entries, which has no row.</summary>
    public const long Empty = 0;

    // Measured with 100,000 entries appended one by one: see StateNodesTests.
    private const int FanOut = 6;

    // A larger delta is cut up, so that looking for one key reads one piece of it.
    private const int MaxInline = 256;
    private const int ChunkEntries = 128;

    private const string NodeSql = "SELECT parent, entries, delta FROM state_nodes WHERE nid = ?";
    private const string HeaderSql = "SELECT parent, entries FROM state_nodes WHERE nid = ?";
    private const string InsertSql = "INSERT INTO state_nodes (parent, entries, delta) VALUES (?, ?, ?)";
    private const string InsertChunkSql = "INSERT INTO state_chunks (node, first_key, delta) VALUES (?, ?, ?)";

    private const string ChunkSql = """
        SELECT first_key, delta FROM state_chunks WHERE node = ? AND first_key <= ? ORDER BY first_key DESC LIMIT 1
        """;

    private const string ChunksSql = "SELECT first_key, delta FROM state_chunks WHERE node = ? ORDER BY first_key";

    /// <summary>Makes the node of the parent's state with changes applied.</summary>
    /// <param name="changes">One entry a key; an event of 0 takes the key out.</param>
    public static long Append(WriteTransaction db, long parent, ReadOnlySpan<StateEntry> changes)
    {
        if (changes.IsEmpty)
        {
            return parent;
        }

        var merged = new List<long>();
        var entries = changes.Length;
        while (true)
        {
            // The nodes at the end of the chain that are no larger, by tier, than what is being added.
            var tier = Tier(entries);
            var run = new List<long>();
            var runEntries = 0;
            var next = parent;
            while (next != Empty && Header(db, next) is var (above, count) && Tier(count) <= tier)
            {
                run.Add(next);
                runEntries += count;
                next = above;
            }

            if (run.Count + 1 < FanOut)
            {
                break;
            }

            merged.AddRange(run);
            entries += runEntries;
            parent = next;
        }

        var sorted = Merge(db, changes, merged, keepRemovals: parent != Empty);
        return Insert(db, parent, sorted);
    }

    /// <summary>The event that the state maps a key to, or null.</summary>
    public static long? Find(Session db, long node, long stateKey)
    {
        while (node != Empty)
        {
            var (parent, found) = FindIn(db, node, stateKey);
            if (found is not null)
            {
                return found == 0 ? null : found;
            }

            node = parent;
        }

        return null;
    }

    /// <summary>Every entry of a state, by ascending key.</summary>
    public static List<StateEntry> All(Session db, long node)
    {
        var newest = new SortedDictionary<long, long>();
        for (; node != Empty; node = Header(db, node).Parent)
        {
            foreach (var entry in Entries(db, node))
            {
                newest.TryAdd(entry.StateKey, entry.Event);
            }
        }

        return [.. newest.Where(e => e.Value != 0).Select(e => new StateEntry(e.Key, e.Value))];
    }

    /// <summary>The keys in which two states differ: found without looking below the node from which both descend.</summary>
    public static List<StateDifference> Difference(Session db, long before, long after)
    {
        if (before == after)
        {
            return [];
        }

        var ancestors = new HashSet<long>();
        for (var node = before; node != Empty; node = Header(db, node).Parent)
        {
            ancestors.Add(node);
        }

        var common = after;
        var changed = new SortedSet<long>();
        for (; common != Empty && !ancestors.Contains(common); common = Header(db, common).Parent)
        {
            changed.UnionWith(Entries(db, common).Select(e => e.StateKey));
        }

        for (var node = before; node != common; node = Header(db, node).Parent)
        {
            changed.UnionWith(Entries(db, node).Select(e => e.StateKey));
        }

        var differences = new List<StateDifference>();
        foreach (var key in changed)
        {
            var (was, became) = (Find(db, before, key), Find(db, after, key));
            if (was != became)
            {
                differences.Add(new StateDifference(key, was, became));
            }
        }

        return differences;
    }

    private static int Tier(int entries)
    {
        var tier = 0;
        for (long size = FanOut; size <= entries; size *= FanOut)
        {
            tier++;
        }

        return tier;
    }

    private static (long Parent, int Entries) Header(Session db, long node)
    {
        using var query = db.Prepare(HeaderSql).Bind(node);
        return query.Step() ? (query.Int64(0), query.Int32(1)) : throw Missing(node);
    }

    private static (long Parent, long? Event) FindIn(Session db, long node, long stateKey)
    {
        using var query = db.Prepare(NodeSql).Bind(node);
        if (!query.Step())
        {
            throw Missing(node);
        }

        var parent = query.Int64(0);
        if (!query.IsNull(2))
        {
            return (parent, StateDelta.Find(query.Blob(2), 0, stateKey));
        }

        using var chunk = db.Prepare(ChunkSql).Bind(node).Bind(stateKey);
        return (parent, chunk.Step() ? StateDelta.Find(chunk.Blob(1), chunk.Int64(0), stateKey) : null);
    }

    private static List<StateEntry> Entries(Session db, long node)
    {
        using var query = db.Prepare(NodeSql).Bind(node);
        if (!query.Step())
        {
            throw Missing(node);
        }

        var entries = new List<StateEntry>(query.Int32(1));
        if (!query.IsNull(2))
        {
            StateDelta.Read(query.Blob(2), 0, entries);
            return entries;
        }

        using var chunks = db.Prepare(ChunksSql).Bind(node);
        while (chunks.Step())
        {
            StateDelta.Read(chunks.Blob(1), chunks.Int64(0), entries);
        }

        return entries;
    }

    // The newest entry of each key; what was taken out is named only while a parent may still hold it.
    private static StateEntry[] Merge(Session db, ReadOnlySpan<StateEntry> changes, List<long> nodes, bool keepRemovals)
    {
        var newest = new SortedDictionary<long, long>();
        foreach (var change in changes)
        {
            newest[change.StateKey] = change.Event;
        }

        foreach (var node in nodes)
        {
            foreach (var entry in Entries(db, node))
            {
                newest.TryAdd(entry.StateKey, entry.Event);
            }
        }

        return [.. newest.Where(e => keepRemovals || e.Value != 0).Select(e => new StateEntry(e.Key, e.Value))];
    }

    private static long Insert(WriteTransaction db, long parent, StateEntry[] sorted)
    {
        if (sorted.Length == 0)
        {
            return parent;
        }

        var inline = sorted.Length <= MaxInline;
        using (var insert = db.Prepare(InsertSql).Bind(parent).Bind(sorted.Length))
        {
            if (inline)
            {
                insert.Bind(StateDelta.Pack(sorted, 0));
            }
            else
            {
                insert.BindNull();
            }

            insert.Run();
        }

        var node = db.LastInsertRowId;
        if (!inline)
        {
            foreach (var chunk in sorted.Chunk(ChunkEntries))
            {
                using var insert = db.Prepare(InsertChunkSql).Bind(node).Bind(chunk[0].StateKey).Bind(StateDelta.Pack(chunk, chunk[0].StateKey));
                insert.Run();
            }
        }

        return node;
    }

    private static DatabaseException Missing(long node) => new($"state node {node} is missing");
}
