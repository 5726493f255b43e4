using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.StateResolution;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Storage.AuthChains;

/// <summary>The auth difference of states, chain by chain.</summary>
/// <remarks>
/// 1. What each state reaches from its events in conflict: the latest event of each chain. Of a chain, the events above what all of them
///    reach, up to what one of them reaches, are in doubt: an unconflicted event, which all states have, may reach them yet.
/// 2. That is mostly the unconflicted power levels, or the unconflicted event that took the place of the one in doubt.
/// 3. Whatever is still in doubt is looked for in what was stored since: only a later event can reach it.
/// </remarks>
internal sealed class IndexedAuthDifference
{
    /// <summary>Of so few chains each is looked up in a node; of more, the node is read.</summary>
    private const int FewChains = 32;

    private readonly AuthChainIndex _index;
    private readonly StateConflict _conflict;
    private readonly IReadOnlySet<long> _conflicted;
    private readonly HashSet<(string Type, string StateKey)> _conflictedKeys;

    // By chain: all states reach up to Low, and the latest event in doubt is High.
    private readonly Dictionary<long, (long Low, long High)> _inDoubt = [];
    private readonly HashSet<long> _nodesReached = [];

    public IndexedAuthDifference(AuthChainIndex index, StateConflict conflict, IReadOnlySet<long> conflicted)
    {
        _index = index;
        _conflict = conflict;
        _conflicted = conflicted;
        _conflictedKeys = [.. conflict.Keys.Select(static key => (key.Type, key.StateKey))];
    }

    public IReadOnlyCollection<long> Find()
    {
        CompareConflicted();
        AskUnconflictedOf(EventTypes.PowerLevels, "");
        AskUnconflictedOf(EventTypes.JoinRules, "");
        foreach (var (_, high) in _inDoubt.Values.ToList())
        {
            if (EventTable.StateKeyOf(_index.Db, high) is { } key)
            {
                AskUnconflictedOf(key.Type, key.StateKey);
            }
        }

        AskAllStoredSince();
        return InDoubt();
    }

    private void CompareConflicted()
    {
        var states = Enumerable.Range(0, _conflict.StateCount).Select(ReachedFrom).ToList();
        foreach (var chain in states.SelectMany(static state => state.Keys).ToHashSet())
        {
            var low = states.Min(state => state.GetValueOrDefault(chain));
            var high = states.Max(state => state.GetValueOrDefault(chain));

            // Those in conflict are replayed whoever reaches them.
            while (high > low && _conflicted.Contains(high))
            {
                high = _index.Entry(high).Previous;
            }

            if (high > low)
            {
                _inDoubt.Add(chain, (low, high));
            }
        }
    }

    private Dictionary<long, long> ReachedFrom(int state)
    {
        var reached = new ReachedChains(_index);
        foreach (var key in _conflict.Keys)
        {
            if (key.Candidates[state] is not 0 and var candidate)
            {
                reached.AddWithChain(candidate);
            }
        }

        return reached.Latest();
    }

    private void AskUnconflictedOf(string type, string stateKey)
    {
        if (_inDoubt.Count > 0 && !_conflictedKeys.Contains((type, stateKey)) && _conflict.Unconflicted.Find(type, stateKey) is not 0 and var nid)
        {
            ReachedFromAll(_index.Entry(nid));
        }
    }

    private void ReachedFromAll(AuthChainEntry entry)
    {
        Raise(entry.Chain, entry.Event);
        foreach (var link in entry.Reach.Links)
        {
            Raise(_index.Entry(link).Chain, link);
        }

        if (_nodesReached.Add(entry.Reach.Node))
        {
            foreach (var (chain, latest) in InDoubtOf(entry.Reach.Node))
            {
                Raise(chain, latest);
            }
        }
    }

    private void Raise(long chain, long nid)
    {
        if (!_inDoubt.TryGetValue(chain, out var range) || nid <= range.Low)
        {
            return;
        }

        if (nid >= range.High)
        {
            _inDoubt.Remove(chain);
        }
        else
        {
            _inDoubt[chain] = range with { Low = nid };
        }
    }

    private List<StateEntry> InDoubtOf(long node) => _inDoubt.Count < FewChains
        ? [.. _inDoubt.Keys.Select(chain => new StateEntry(chain, _index.Latest(node, chain)))]
        : StateNodes.All(_index.Db, node);

    private void AskAllStoredSince()
    {
        var reachesNothing = new HashSet<AuthReach>(ReferenceEqualityComparer.Instance);
        var nodesToNothing = new HashSet<long>();
        if (_inDoubt.Count == 0)
        {
            return;
        }

        foreach (var entry in _index.After(InDoubt().Min()))
        {
            if (_inDoubt.Count == 0)
            {
                return;
            }

            if (!_conflicted.Contains(entry.Event) && ReachesDoubtful(entry, reachesNothing, nodesToNothing) && IsUnconflicted(entry.Event))
            {
                ReachedFromAll(entry);
            }
        }
    }

    private bool ReachesDoubtful(AuthChainEntry entry, HashSet<AuthReach> reachesNothing, HashSet<long> nodesToNothing)
    {
        if (IsInDoubt(entry.Chain, entry.Event))
        {
            return true;
        }

        if (reachesNothing.Contains(entry.Reach))
        {
            return false;
        }

        if (entry.Reach.Links.Any(link => IsInDoubt(_index.Entry(link).Chain, link)))
        {
            return true;
        }

        var node = entry.Reach.Node;
        if (!nodesToNothing.Contains(node) && !_nodesReached.Contains(node))
        {
            if (InDoubtOf(node).Exists(latest => IsInDoubt(latest.StateKey, latest.Event)))
            {
                return true;
            }

            // What is in doubt only becomes less.
            nodesToNothing.Add(node);
        }

        reachesNothing.Add(entry.Reach);
        return false;
    }

    private bool IsInDoubt(long chain, long latest) => _inDoubt.TryGetValue(chain, out var range) && latest > range.Low;

    private bool IsUnconflicted(long nid) =>
        EventTable.StateKeyOf(_index.Db, nid) is { } key
        && !_conflictedKeys.Contains(key)
        && _conflict.Unconflicted.Find(key.Type, key.StateKey) == nid;

    private List<long> InDoubt()
    {
        var events = new List<long>();
        foreach (var (low, high) in _inDoubt.Values)
        {
            for (var nid = high; nid > low; nid = _index.Entry(nid).Previous)
            {
                if (!_conflicted.Contains(nid))
                {
                    events.Add(nid);
                }
            }
        }

        return events;
    }
}
