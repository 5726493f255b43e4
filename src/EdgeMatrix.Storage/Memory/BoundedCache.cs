using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace EdgeMatrix.Storage.Memory;

/// <summary>A cache of so many bytes, for any number of threads. What was not asked for since the last round goes first.</summary>
/// <remarks>
/// SIEVE: entries stand in the order in which they came; a hand goes from the oldest to the newest, spares once what was asked for
/// since it last passed, and takes the next that was not. A hit sets one flag: no lock, no allocation, no moving about, and a scan
/// through many entries that are asked for once leaves those in place that are asked for often.
/// Zhang et al., SIEVE is Simpler than LRU, NSDI 2024: https://www.usenix.org/conference/nsdi24/presentation/zhang-yazhuo
/// </remarks>
public sealed class BoundedCache<TKey, TValue>(string name, long wanted, long least) : MemoryShare(name, wanted, least)
    where TKey : notnull
{
    /// <summary>What an entry takes besides what its owner says: a node here, one in the table, and the slots that point to them.</summary>
    public const int EntryBytes = 144;

    private readonly ConcurrentDictionary<TKey, Node> _nodes = new();
    private readonly Lock _lock = new();
    private Node? _oldest;
    private Node? _newest;
    private Node? _hand;
    private long _bytes;
    private long _hits;
    private long _misses;
    private long _evictions;

    /// <summary>Told what was given up to make room, while the cache is locked; not what was removed or replaced.</summary>
    public Action<TKey, TValue>? Evicted { get; init; }

    public override MemoryUse Use => new(
        Interlocked.Read(ref _bytes),
        _nodes.Count,
        Interlocked.Read(ref _hits),
        Interlocked.Read(ref _misses),
        Interlocked.Read(ref _evictions));

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        if (_nodes.TryGetValue(key, out var node))
        {
            node.Visited = true;
            Interlocked.Increment(ref _hits);
            value = node.Value;
            return true;
        }

        Interlocked.Increment(ref _misses);
        value = default;
        return false;
    }

    /// <summary>Whether the entry is there; that it was asked for is of no account.</summary>
    public bool Contains(TKey key) => _nodes.ContainsKey(key);

    /// <summary>Adds or replaces an entry, and gives up others until it has room; one that is larger than the whole cache is not kept.</summary>
    /// <param name="bytes">What key and value take.</param>
    public void Set(TKey key, TValue value, long bytes)
    {
        lock (_lock)
        {
            Remove(key);
            Add(key, value, bytes);
        }
    }

    /// <summary>The entry that is there, or else the given one, now in the cache if it has room.</summary>
    public TValue GetOrAdd(TKey key, TValue value, long bytes)
    {
        lock (_lock)
        {
            if (_nodes.TryGetValue(key, out var present))
            {
                present.Visited = true;
                return present.Value;
            }

            Add(key, value, bytes);
            return value;
        }
    }

    /// <summary>What the entry takes has changed; no effect if it is not, or no longer, there.</summary>
    public void Weigh(TKey key, long bytes)
    {
        lock (_lock)
        {
            if (_nodes.TryGetValue(key, out var node))
            {
                Interlocked.Add(ref _bytes, bytes + EntryBytes - node.Bytes);
                node.Bytes = bytes + EntryBytes;
                MakeRoom(0);
            }
        }
    }

    public bool Remove(TKey key)
    {
        lock (_lock)
        {
            if (!_nodes.TryRemove(key, out var node))
            {
                return false;
            }

            Unlink(node);
            return true;
        }
    }

    /// <summary>Removes the entries that match, looking at all of them.</summary>
    public void RemoveWhere(Func<TKey, TValue, bool> match)
    {
        lock (_lock)
        {
            for (var node = _oldest; node is not null; node = node.Newer)
            {
                if (match(node.Key, node.Value))
                {
                    Remove(node.Key);
                }
            }
        }
    }

    public override void Trim()
    {
        lock (_lock)
        {
            MakeRoom(0);
        }
    }

    private void Add(TKey key, TValue value, long bytes)
    {
        bytes += EntryBytes;
        if (bytes > Capacity)
        {
            return;
        }

        MakeRoom(bytes);
        var node = new Node(key, value, bytes) { Older = _newest };
        _ = _newest is null ? _oldest = node : _newest.Newer = node;
        _newest = node;
        _nodes[key] = node;
        Interlocked.Add(ref _bytes, bytes);
    }

    private void MakeRoom(long bytes)
    {
        while (_bytes + bytes > Capacity && _oldest is not null)
        {
            var node = _hand ?? _oldest;
            while (node.Visited)
            {
                node.Visited = false;
                node = node.Newer ?? _oldest;
            }

            _nodes.TryRemove(node.Key, out _);
            _hand = node;
            Unlink(node);
            Interlocked.Increment(ref _evictions);
            Evicted?.Invoke(node.Key, node.Value);
        }
    }

    private void Unlink(Node node)
    {
        if (_hand == node)
        {
            _hand = node.Newer;
        }

        _ = node.Older is null ? _oldest = node.Newer : node.Older.Newer = node.Newer;
        _ = node.Newer is null ? _newest = node.Older : node.Newer.Older = node.Older;
        Interlocked.Add(ref _bytes, -node.Bytes);
    }

    private sealed class Node(TKey key, TValue value, long bytes)
    {
        public TKey Key => key;

        public TValue Value => value;

        public long Bytes { get; set; } = bytes;

        public bool Visited { get; set; }

        public Node? Older { get; set; }

        public Node? Newer { get; set; }
    }
}
