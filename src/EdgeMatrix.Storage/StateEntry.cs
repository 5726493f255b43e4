namespace EdgeMatrix.Storage;

/// <summary>One entry of a room's state.</summary>
/// <param name="StateKey">The nid, in <c>state_keys</c>, of the pair of event type and state key.</param>
/// <param name="Event">The nid of the event that holds; 0 for none, which in a change removes the entry.</param>
public readonly record struct StateEntry(long StateKey, long Event);
