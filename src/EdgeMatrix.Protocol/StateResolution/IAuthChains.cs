namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>What resolution asks of the graph of auth events as a whole. Walking answers it, or an index of whoever stores the events.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#definitions</remarks>
public interface IAuthChains
{
    /// <summary>
    /// The auth difference: every event that is in the full auth chain of some state, its own events counted, and not in that of every
    /// state. Events of the conflicted state set are replayed in any case: which of them are named is of no account.
    /// </summary>
    IReadOnlyCollection<long> Difference(StateConflict conflict, IReadOnlySet<long> conflictedStateSet);

    /// <summary>The conflicted state subgraph: the events of the set and all that lie on a path from one of them to another.</summary>
    IReadOnlyCollection<long> Subgraph(IReadOnlySet<long> conflictedStateSet);
}
