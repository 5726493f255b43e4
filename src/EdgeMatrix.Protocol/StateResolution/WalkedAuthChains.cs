namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>Answers by following the auth events of one event after another: for events that nobody has an index of.</summary>
internal sealed class WalkedAuthChains(RoomEvents events) : IAuthChains
{
    public IReadOnlyCollection<long> Difference(StateConflict conflict, IReadOnlySet<long> conflictedStateSet) =>
        AuthDifference.Of(conflict, conflictedStateSet, events);

    public IReadOnlyCollection<long> Subgraph(IReadOnlySet<long> conflictedStateSet) => ConflictedStateSubgraph.Of(conflictedStateSet, events);
}
