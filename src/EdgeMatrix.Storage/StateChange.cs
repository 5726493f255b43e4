namespace EdgeMatrix.Storage;

/// <summary>Where two states differ.</summary>
/// <param name="StateKey">The nid, in <c>state_keys</c>, of the pair of event type and state key.</param>
/// <param name="Before">The event in the first state; 0 for none.</param>
/// <param name="After">The event in the second state; 0 for none.</param>
public readonly record struct StateChange(long StateKey, long Before, long After);
