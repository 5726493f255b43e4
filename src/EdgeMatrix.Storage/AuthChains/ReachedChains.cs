namespace EdgeMatrix.Storage.AuthChains;

/// <summary>What a set of events leads to: the latest event of each chain.</summary>
internal sealed class ReachedChains(AuthChainIndex index)
{
    private readonly Dictionary<long, long> _latest = [];
    private readonly SortedSet<long> _nodes = [];

    // Events that were stored one after another mostly share one.
    private readonly HashSet<AuthReach> _reaches = new(ReferenceEqualityComparer.Instance);

    /// <summary>The event and its auth chain.</summary>
    public void AddWithChain(long nid)
    {
        var entry = index.Entry(nid);
        Raise(entry.Chain, nid);
        Add(entry.Reach);
    }

    /// <summary>The auth chain of the event.</summary>
    public void AddChainOf(long nid)
    {
        var entry = index.Entry(nid);
        if (entry.Previous != 0)
        {
            Raise(entry.Chain, entry.Previous);
        }

        Add(entry.Reach);
    }

    public Dictionary<long, long> Latest()
    {
        // The newest has almost all that the others have.
        var newest = StateNodes.Empty;
        foreach (var node in _nodes.Reverse())
        {
            foreach (var (chain, latest, known) in StateNodes.Difference(index.Db, node, newest))
            {
                if (latest > known)
                {
                    Raise(chain, latest);
                }
            }

            newest = newest == StateNodes.Empty ? node : newest;
        }

        _nodes.Clear();
        return _latest;
    }

    private void Add(AuthReach reach)
    {
        if (!_reaches.Add(reach))
        {
            return;
        }

        foreach (var link in reach.Links)
        {
            Raise(index.Entry(link).Chain, link);
        }

        if (reach.Node != StateNodes.Empty)
        {
            _nodes.Add(reach.Node);
        }
    }

    private void Raise(long chain, long nid) => _latest[chain] = Math.Max(_latest.GetValueOrDefault(chain), nid);
}
