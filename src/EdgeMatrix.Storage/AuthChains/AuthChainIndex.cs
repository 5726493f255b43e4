using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Storage.AuthChains;

/// <summary>
/// The entries of a room's state events. Those that are not in the index yet are worked out from those that are, by their auth events:
/// the answers are the same, they only cost more.
/// </summary>
/// <remarks>As long-lived as its session: what was read is kept.</remarks>
internal sealed class AuthChainIndex
{
    /// <summary>More links than this become a node. Every event cites power levels, so what these link to all the others have to link to, too.</summary>
    private const int MaxLinks = 24;
    private const int MaxLinksOfPowerLevels = 4;

    private const int BlocksKept = 1_024;
    private const int LookupsKept = 65_536;

    private const string TailSql = "SELECT nid FROM events WHERE nid > ? AND room = ? AND state_key IS NOT NULL AND flags & 16 = 0 ORDER BY nid";
    private const string StateKeySql = "SELECT state_key FROM events WHERE nid = ?";

    private readonly Session _db;
    private readonly long _room;
    private readonly StoredEventSource _events;
    private readonly long _indexedUpTo;
    private readonly WriteTransaction? _writer;

    // Those that were read, ascending.
    private readonly List<List<AuthChainEntry>> _blocks = [];
    private readonly Dictionary<(long Node, long Chain), long> _latest = [];

    /// <param name="writer">The session again, where what is worked out is going to be written; null to read only.</param>
    public AuthChainIndex(Session db, long room, StoredEventSource events, WriteTransaction? writer)
    {
        _db = db;
        _writer = writer;
        _room = room;
        _events = events;
        _indexedUpTo = AuthChainTable.IndexedUpTo(db);
    }

    /// <summary>Entries that were worked out, and those that one of them was put behind.</summary>
    public Dictionary<long, AuthChainEntry> Unwritten { get; } = [];

    public Session Db => _db;

    /// <summary>The entry of a state event of the room.</summary>
    public AuthChainEntry Entry(long nid)
    {
        if (Known(nid) is { } known)
        {
            return known;
        }

        // After its auth events, without recursion: chains are long.
        var toWorkOut = new Stack<long>([nid]);
        while (toWorkOut.TryPeek(out var next))
        {
            var waiting = toWorkOut.Count;
            foreach (var auth in _events.AuthEventsOf(next))
            {
                if (Known(auth) is null)
                {
                    toWorkOut.Push(auth);
                }
            }

            if (toWorkOut.Count == waiting)
            {
                toWorkOut.Pop();
                if (Known(next) is null)
                {
                    Unwritten.Add(next, WorkOut(next));
                }
            }
        }

        return Unwritten[nid];
    }

    /// <summary>The entries of the room's events after the given one, ascending.</summary>
    public IEnumerable<AuthChainEntry> After(long nid)
    {
        for (var block = AuthChainTable.Block(_db, _room, nid) ?? AuthChainTable.NextBlock(_db, _room, nid);
            block is { } found;
            block = AuthChainTable.NextBlock(_db, _room, found.First))
        {
            foreach (var entry in found.Entries.Where(entry => entry.Event > nid))
            {
                yield return entry;
            }
        }

        using var tail = _db.Prepare(TailSql).Bind(Math.Max(nid, _indexedUpTo)).Bind(_room);
        while (tail.Step())
        {
            yield return Entry(tail.Int64(0));
        }
    }

    /// <summary>The latest event of a chain that the map of a node has; 0 if none.</summary>
    public long Latest(long node, long chain)
    {
        if (node == StateNodes.Empty)
        {
            return 0;
        }

        if (!_latest.TryGetValue((node, chain), out var latest))
        {
            if (_latest.Count == LookupsKept)
            {
                _latest.Clear();
            }

            latest = StateNodes.Find(_db, node, chain) ?? 0;
            _latest.Add((node, chain), latest);
        }

        return latest;
    }

    /// <summary>Whether the map of a node has the event, and with it all of its auth chain.</summary>
    public bool Has(long node, long nid) => node != StateNodes.Empty && Latest(node, Entry(nid).Chain) >= nid;

    private AuthChainEntry? Known(long nid)
    {
        if (Unwritten.TryGetValue(nid, out var unwritten))
        {
            return unwritten;
        }

        if (nid > _indexedUpTo)
        {
            return null;
        }

        var place = Place(_blocks, nid, static block => block[0].Event);
        if (place < 0 || _blocks[place][^1].Event < nid)
        {
            if (AuthChainTable.Block(_db, _room, nid) is not { } read)
            {
                return null;
            }

            if (_blocks.Count == BlocksKept)
            {
                _blocks.Clear();
                place = -1;
            }

            if (place < 0 || _blocks[place][0].Event != read.First)
            {
                _blocks.Insert(++place, read.Entries);
            }
        }

        var block = _blocks[place];
        return Place(block, nid, static entry => entry.Event) is >= 0 and var index && block[index].Event == nid ? block[index] : null;
    }

    /// <summary>Where in the list, which is ascending, the last is that is not above the number; -1 if all are.</summary>
    private static int Place<T>(List<T> list, long number, Func<T, long> of)
    {
        var (low, high) = (0, list.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (of(list[middle]) <= number)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }

    private AuthChainEntry WorkOut(long nid)
    {
        var authEvents = _events.AuthEventsOf(nid).ToArray();
        var node = authEvents.Select(auth => Entry(auth).Reach.Node).DefaultIfEmpty(StateNodes.Empty).Max();
        var links = new SortedDictionary<long, long>();
        foreach (var auth in authEvents.Where(auth => !Has(node, auth)))
        {
            Link(links, node, auth);
            var reach = Entry(auth).Reach;
            foreach (var link in reach.Links)
            {
                Link(links, node, link);
            }

            if (!IsWithin(node, reach))
            {
                foreach (var (chain, latest, _) in StateNodes.Difference(_db, reach.Node, node).Where(static change => change.Before > change.After))
                {
                    links[chain] = Math.Max(links.GetValueOrDefault(chain), latest);
                }
            }
        }

        return Behind(nid, authEvents) is { } previous
            ? new AuthChainEntry(nid, previous.Chain, previous.Event, Continued: false, ReachOf(nid, node, links, previous))
            : new AuthChainEntry(nid, nid, Previous: 0, Continued: false, ReachOf(nid, node, links, null));
    }

    private void Link(SortedDictionary<long, long> links, long node, long nid)
    {
        var chain = Entry(nid).Chain;
        if (links.GetValueOrDefault(chain) < nid && Latest(node, chain) < nid)
        {
            links[chain] = nid;
        }
    }

    // A reach is closed, and so is the map of a node; so what one event that is in the map builds on is in it.
    private bool IsWithin(long node, AuthReach reach) =>
        reach.Node == node || reach.Node == StateNodes.Empty || reach.Links.Any(link => Entry(link).Reach.Node == reach.Node && Has(node, link));

    /// <summary>The auth event of the same key that no other event stands behind, which it now does.</summary>
    private AuthChainEntry? Behind(long nid, long[] authEvents)
    {
        var key = StateKeyOf(nid);
        for (var i = authEvents.Length - 1; i >= 0; i--)
        {
            if (Entry(authEvents[i]) is { Continued: false } previous && StateKeyOf(previous.Event) == key)
            {
                return Unwritten[previous.Event] = previous with { Continued = true };
            }
        }

        return null;
    }

    private AuthReach ReachOf(long nid, long node, SortedDictionary<long, long> links, AuthChainEntry? previous)
    {
        if (_writer is not null && links.Count > MaxLinksOfPowerLevels && links.Count > MaxLinksFor(nid))
        {
            return new AuthReach(StateNodes.Append(_writer, node, [.. links.Select(static link => new StateEntry(link.Key, link.Value))]), []);
        }

        if (previous is not null)
        {
            links.Remove(previous.Chain);
        }

        return new AuthReach(node, [.. links.Values.Order()]);
    }

    private int MaxLinksFor(long nid) => _events.Find(nid) is { Type: EventTypes.PowerLevels } ? MaxLinksOfPowerLevels : MaxLinks;

    private long StateKeyOf(long nid)
    {
        using var query = _db.Prepare(StateKeySql).Bind(nid);
        return query.Step() ? query.Int64(0) : 0;
    }
}
