using System.Numerics;

namespace EdgeMatrix.Storage;

/// <summary>
/// Room states, as nodes that never change what they say: the state of the parent with the node's own entries laid over it.
/// </summary>
/// <remarks>
/// A change is a node of its own, so it costs tens of bytes whatever the size of the room. To keep chains short, nodes of
/// like size are merged, four into one, as the numbers in a carry: a chain has at most three nodes of each power of four, and
/// an entry is written again once for each power. A parent always has a lower number than its children.
/// <para>
/// Refer to a node in the job that made it, or from what a row of the same moment refers to: nodes that no row leads to are deleted
/// (<see cref="StateNodeCollector"/>).
/// </para>
/// </remarks>
public static class StateNodes
{
    /// <summary>The node of the state without entries.</summary>
    public const long Empty = 0;

    private const string SelectSql = "SELECT parent, entries, delta FROM state_nodes WHERE nid = ?";

    /// <summary>
    /// What a node has in place of the number of its entries while it stands for what is not known: as an unsigned number it is larger than that of
    /// any other, so no node over it is merged with it.
    /// </summary>
    internal const long NotKnown = -1;

    /// <summary>How many nodes of like size become one.</summary>
    private const int FanOut = 4;

    /// <summary>A merge of more than this is written over the parent, so that many forks from one parent pay for it once.</summary>
    private const long MaxMergePerFork = 256;

    /// <summary>How many one-sided entries <see cref="Difference"/> looks up at a time.</summary>
    private const int LookupBatch = 1024;

    /// <summary>A node with the parent's state and the changes applied to it; an entry with event 0 removes its key.</summary>
    /// <param name="changes">In any order; of two with one key the later counts.</param>
    /// <returns>The new node; the parent if there is no change; <see cref="Empty"/> if nothing is left.</returns>
    public static long Append(WriteTransaction db, long parent, ReadOnlySpan<StateEntry> changes)
    {
        if (changes.IsEmpty)
        {
            return parent;
        }

        var delta = Sort(changes);
        var (merged, below, entries) = Plan(db, parent, delta.Count);
        if (merged.Count == 0)
        {
            return Write(db, node: 0, parent, [new StateCursor(delta)]);
        }

        if (entries <= MaxMergePerFork || Read(db, merged[0]).Delta is null)
        {
            return Write(db, node: 0, below, merged.Select(node => new StateCursor(db, node)).Prepend(new StateCursor(delta)));
        }

        Write(db, merged[0], below, merged.Select(node => new StateCursor(db, node)));
        return Write(db, node: 0, merged[0], [new StateCursor(delta)]);
    }

    /// <summary>
    /// A node for a state that is not known yet. States are built over it like over any other, and once it is told (<see cref="Tell"/>), they all say
    /// what it says, where they say nothing themselves: the one exception from that nodes never change.
    /// </summary>
    public static long BeginUnknown(WriteTransaction db)
    {
        using var insert = db.Prepare("INSERT INTO state_nodes (parent, entries, delta) VALUES (0, ?, x'')").Bind(NotKnown);
        insert.Run();
        return db.LastInsertRowId;
    }

    /// <summary>Says what a node is made of that stood for what was not known (<see cref="BeginUnknown"/>), in place of what was said of it before.</summary>
    /// <param name="entries">In any order, each key once.</param>
    /// <param name="whole">That is all of it; false: more is to come.</param>
    public static void Tell(WriteTransaction db, long node, IReadOnlyCollection<StateEntry> entries, bool whole)
    {
        using (var delete = db.Prepare("DELETE FROM state_chunks WHERE node = ?").Bind(node))
        {
            delete.Run();
        }

        var writer = new StateNodeWriter(db, node, Empty);
        foreach (var entry in entries.OrderBy(entry => entry.StateKey))
        {
            writer.Add(entry);
        }

        writer.Finish();
        if (!whole)
        {
            using var update = db.Prepare("UPDATE state_nodes SET entries = ? WHERE nid = ?").Bind(NotKnown).Bind(node);
            update.Run();
        }
    }

    /// <summary>The event of a key in a node's state, or null.</summary>
    public static long? Find(Session db, long node, long stateKey)
    {
        while (node != Empty)
        {
            var (parent, _, delta) = Read(db, node);
            var found = delta is null ? FindInChunk(db, node, stateKey) : StateDelta.Find(delta, stateKey);
            if (found is { } named)
            {
                return named == 0 ? null : named;
            }

            node = parent;
        }

        return null;
    }

    /// <summary>The entries of those keys that the state has, in the order of the keys.</summary>
    public static List<StateEntry> FindMany(Session db, long node, ReadOnlySpan<long> keys)
    {
        var found = new List<StateEntry>();
        var wanted = new SortedKeys(keys);
        while (node != Empty && !wanted.IsEmpty)
        {
            var (parent, _, delta) = Read(db, node);
            if (delta is null)
            {
                FindInChunks(db, node, wanted, found);
            }
            else
            {
                wanted.Match(delta, 0, found);
            }

            wanted.RemoveFound();
            node = parent;
        }

        found.RemoveAll(entry => entry.Event == 0);
        found.Sort((left, right) => left.StateKey.CompareTo(right.StateKey));
        return found;
    }

    /// <summary>Every entry of a node's state, in the order of the keys.</summary>
    public static List<StateEntry> All(Session db, long node)
    {
        var entries = new List<StateEntry>();
        ForEach(db, node, entries.Add);
        return entries;
    }

    /// <summary>Visits every entry of a node's state, in the order of the keys, without holding them all.</summary>
    public static void ForEach(Session db, long node, Action<StateEntry> visit)
    {
        var chain = new List<StateCursor>();
        for (; node != Empty; node = Read(db, node).Parent)
        {
            chain.Add(new StateCursor(db, node));
        }

        var merge = new StateMerge(chain);
        while (merge.Next(out var entry))
        {
            if (entry.Event != 0)
            {
                visit(entry);
            }
        }
    }

    /// <summary>Where two states differ, in the order of the keys.</summary>
    /// <remarks>Reads the nodes above the nearest common ancestor only; the cost is that of what was written since, not of the state.</remarks>
    public static List<StateChange> Difference(Session db, long before, long after)
    {
        var (olds, news, common) = Fork(db, before, after);
        var changes = new List<StateChange>();
        var oneSided = new List<(StateEntry Entry, bool InAfter)>();
        var old = new StateMerge(olds);
        var @new = new StateMerge(news);
        var hasOld = old.Next(out var left);
        var hasNew = @new.Next(out var right);
        while (hasOld || hasNew)
        {
            if (!hasNew || (hasOld && left.StateKey < right.StateKey))
            {
                oneSided.Add((left, false));
                hasOld = old.Next(out left);
            }
            else if (!hasOld || right.StateKey < left.StateKey)
            {
                oneSided.Add((right, true));
                hasNew = @new.Next(out right);
            }
            else
            {
                AddIfDifferent(changes, left.StateKey, left.Event, right.Event);
                hasOld = old.Next(out left);
                hasNew = @new.Next(out right);
            }

            if (oneSided.Count == LookupBatch)
            {
                CompareWithCommon(db, common, oneSided, changes);
            }
        }

        CompareWithCommon(db, common, oneSided, changes);
        changes.Sort((one, two) => one.StateKey.CompareTo(two.StateKey));
        return changes;
    }

    /// <exception cref="DatabaseException">There is no such node.</exception>
    internal static StateNode Read(Session db, long nid)
    {
        if (db.Rows?.Node(nid) is { } known)
        {
            return known;
        }

        using var query = db.Prepare(SelectSql).Bind(nid);
        if (!query.Step())
        {
            throw new DatabaseException($"State node {nid} is missing. Restore a backup.");
        }

        var node = new StateNode(query.Int64(0), query.Int64(1), query.IsNull(2) ? null : query.Blob(2).ToArray());
        db.Rows?.Add(nid, node);
        return node;
    }

    /// <summary>Which nodes, from the parent down, the next one swallows; what lies under them; and how many entries that makes at most.</summary>
    private static (List<long> Merged, long Below, long Entries) Plan(Session db, long parent, int changes)
    {
        var merged = new List<long>();
        var run = new List<long>();
        var below = parent;
        long entries = changes;
        while (true)
        {
            run.Clear();
            long runEntries = 0;
            var next = below;
            while (next != Empty && Read(db, next) is var head && Power(head.Entries) <= Power(entries))
            {
                run.Add(next);
                runEntries += head.Entries;
                next = head.Parent;
            }

            if (run.Count < FanOut - 1)
            {
                return (merged, below, entries);
            }

            merged.AddRange(run);
            entries += runEntries;
            below = next;
        }
    }

    private static int Power(long entries) => BitOperations.Log2((ulong)entries) / BitOperations.Log2(FanOut);

    private static long Write(WriteTransaction db, long node, long parent, IEnumerable<StateCursor> newestFirst)
    {
        var writer = new StateNodeWriter(db, node, parent);
        var merge = new StateMerge(newestFirst);
        while (merge.Next(out var entry))
        {
            // With nothing underneath there is nothing to remove.
            if (entry.Event != 0 || parent != Empty)
            {
                writer.Add(entry);
            }
        }

        return writer.Finish();
    }

    private static List<StateEntry> Sort(ReadOnlySpan<StateEntry> changes)
    {
        var sorted = new List<StateEntry>(changes.Length);
        if (changes.Length == 1)
        {
            sorted.Add(changes[0]);
            return sorted;
        }

        foreach (var change in changes.ToArray().OrderBy(change => change.StateKey))
        {
            if (sorted is [.., var last] && last.StateKey == change.StateKey)
            {
                sorted[^1] = change;
            }
            else
            {
                sorted.Add(change);
            }
        }

        return sorted;
    }

    private static Statement SelectChunk(Session db, long node, long stateKey) =>
        db.Prepare("SELECT delta FROM state_chunks WHERE node = ? AND first_key <= ? ORDER BY first_key DESC LIMIT 1").Bind(node).Bind(stateKey);

    private static long? FindInChunk(Session db, long node, long stateKey)
    {
        using var query = SelectChunk(db, node, stateKey);
        return query.Step() ? StateDelta.Find(query.Blob(0), stateKey) : null;
    }

    private static void FindInChunks(Session db, long node, SortedKeys wanted, List<StateEntry> found)
    {
        var next = 0;
        while (next < wanted.Count)
        {
            using var query = SelectChunk(db, node, wanted[next]);
            next = query.Step() ? wanted.Match(query.Blob(0), next, found) : next + 1;
        }
    }

    private static (List<StateCursor> Olds, List<StateCursor> News, long Common) Fork(Session db, long before, long after)
    {
        var olds = new List<StateCursor>();
        var news = new List<StateCursor>();
        while (before != after)
        {
            // The higher number cannot be an ancestor of the lower.
            if (before > after)
            {
                olds.Add(new StateCursor(db, before));
                before = Read(db, before).Parent;
            }
            else
            {
                news.Add(new StateCursor(db, after));
                after = Read(db, after).Parent;
            }
        }

        return (olds, news, before);
    }

    private static void CompareWithCommon(
        Session db, long common, List<(StateEntry Entry, bool InAfter)> oneSided, List<StateChange> changes)
    {
        var keys = oneSided.ConvertAll(side => side.Entry.StateKey).ToArray();
        var shared = FindMany(db, common, keys).ToDictionary(entry => entry.StateKey, entry => entry.Event);
        foreach (var (entry, inAfter) in oneSided)
        {
            var other = shared.GetValueOrDefault(entry.StateKey);
            AddIfDifferent(changes, entry.StateKey, inAfter ? other : entry.Event, inAfter ? entry.Event : other);
        }

        oneSided.Clear();
    }

    private static void AddIfDifferent(List<StateChange> changes, long stateKey, long before, long after)
    {
        if (before != after)
        {
            changes.Add(new StateChange(stateKey, before, after));
        }
    }
}
