namespace EdgeMatrix.Storage.AuthChains;

/// <summary>
/// A state event in the index of auth chains. Events of one key that cite one another stand in one chain, a line: each is in the auth
/// chain of every later one.
/// </summary>
/// <param name="Event">Its nid.</param>
/// <param name="Chain">The nid of the first event of its chain.</param>
/// <param name="Previous">The nid of the event before it in its chain; 0 for the first.</param>
/// <param name="Continued">Another event stands after it in its chain.</param>
/// <param name="Reach">What else its auth chain holds.</param>
internal sealed record AuthChainEntry(long Event, long Chain, long Previous, bool Continued, AuthReach Reach);

/// <summary>
/// An auth chain, as the latest event that it has of each chain: what the map of a state node says (from chain to event), and over it
/// these events. Whatever is in it has its own auth chain in it, too; so has the map of the node alone.
/// </summary>
/// <param name="Node">A state node of its own kind, whose keys are chains.</param>
/// <param name="Links">Nids, ascending.</param>
internal sealed record AuthReach(long Node, long[] Links)
{
    public static AuthReach Nothing { get; } = new(StateNodes.Empty, []);

    public bool Is(AuthReach other) => Node == other.Node && Links.AsSpan().SequenceEqual(other.Links);
}
