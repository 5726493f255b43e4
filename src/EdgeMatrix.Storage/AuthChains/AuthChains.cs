using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Storage.AuthChains;

/// <summary>
/// The auth chains of a room, answered from their index: what one event leads to is known as the latest event of each chain, so sets of them
/// are compared chain by chain.
/// </summary>
/// <remarks>
/// No auth chain is walked, and no event is read that the index has. It is not only the answer that is visited: <see cref="Subgraph"/> looks at
/// one entry more of every chain that the set leads to, and <see cref="Difference"/>, as long as it is in doubt whether an unconflicted
/// event leads to some event, at the entries of what was stored since. Events that are not in the index yet cost the reading of each.
/// Spec: https://spec.matrix.org/v1.19/rooms/v12/#definitions. Chains as Synapse has them:
/// https://element-hq.github.io/synapse/latest/auth_chain_difference_algorithm.html
/// </remarks>
public sealed class AuthChains : IAuthChains
{
    private readonly AuthChainIndex _index;

    public AuthChains(Session db, long room, RoomVersion version)
    {
        Events = new StoredEventSource(db, room, version);
        _index = new AuthChainIndex(db, room, Events, writer: null);
    }

    /// <summary>The events that the chains are of.</summary>
    public StoredEventSource Events { get; }

    /// <summary>Whether an event is in the auth chain of another, or is the other.</summary>
    public bool Reaches(long from, long to) => from == to || LatestOf(_index.Entry(from), _index.Entry(to).Chain) >= to;

    /// <summary>The auth chains of events, themselves left out where no other leads to them, in no order.</summary>
    public List<long> Of(IReadOnlyCollection<long> events)
    {
        var reached = new ReachedChains(_index);
        foreach (var nid in events)
        {
            reached.AddChainOf(nid);
        }

        return [.. reached.Latest().Values.SelectMany(latest => Downwards(latest, 0))];
    }

    public IReadOnlyCollection<long> Difference(StateConflict conflict, IReadOnlySet<long> conflictedStateSet) =>
        new IndexedAuthDifference(_index, conflict, conflictedStateSet).Find();

    public IReadOnlyCollection<long> Subgraph(IReadOnlySet<long> conflictedStateSet)
    {
        var oldest = conflictedStateSet.Min();
        var firsts = new Dictionary<long, long>();
        var reached = new ReachedChains(_index);
        foreach (var nid in conflictedStateSet)
        {
            reached.AddWithChain(nid);
            var chain = _index.Entry(nid).Chain;
            firsts[chain] = Math.Min(firsts.GetValueOrDefault(chain, long.MaxValue), nid);
        }

        // What a chain leads to, its later events lead to.
        var leading = new LeadingTo(_index, firsts);
        var subgraph = new HashSet<long>(conflictedStateSet);
        foreach (var latest in reached.Latest().Values)
        {
            subgraph.UnionWith(Downwards(latest, oldest).TakeWhile(leading.Leads));
        }

        return subgraph;
    }

    private IEnumerable<long> Downwards(long from, long until)
    {
        for (var nid = from; nid > until; nid = _index.Entry(nid).Previous)
        {
            yield return nid;
        }
    }

    private long LatestOf(AuthChainEntry entry, long chain) =>
        entry.Reach.Links.Where(link => _index.Entry(link).Chain == chain)
            .Append(entry.Chain == chain ? entry.Previous : 0).Append(_index.Latest(entry.Reach.Node, chain)).Max();

    /// <summary>Which events lead to one of a set, of which the first of each chain is given.</summary>
    private sealed class LeadingTo(AuthChainIndex index, Dictionary<long, long> firsts)
    {
        private readonly Dictionary<AuthReach, bool> _reaches = new(ReferenceEqualityComparer.Instance);
        private readonly Dictionary<long, bool> _nodes = [];

        public bool Leads(long nid)
        {
            var entry = index.Entry(nid);
            if (IsIn(entry.Chain, nid))
            {
                return true;
            }

            if (!_reaches.TryGetValue(entry.Reach, out var leads))
            {
                leads = entry.Reach.Links.Any(link => IsIn(index.Entry(link).Chain, link)) || NodeLeads(entry.Reach.Node);
                _reaches.Add(entry.Reach, leads);
            }

            return leads;
        }

        private bool NodeLeads(long node)
        {
            if (!_nodes.TryGetValue(node, out var leads))
            {
                leads = firsts.Count < 16
                    ? firsts.Any(first => index.Latest(node, first.Key) >= first.Value)
                    : StateNodes.All(index.Db, node).Exists(entry => IsIn(entry.StateKey, entry.Event));
                _nodes.Add(node, leads);
            }

            return leads;
        }

        private bool IsIn(long chain, long latest) => firsts.TryGetValue(chain, out var first) && first <= latest;
    }
}
