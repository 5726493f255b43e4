namespace EdgeMatrix.Storage;

/// <param name="StateKey">Nid of the pair of event type and state key.</param>
/// <param name="Event">Nid of the event it maps to; 0 where a delta takes the key out.</param>
public readonly record struct StateEntry(long StateKey, long Event);

/// <summary>A key in which two states differ; null where the state has no such key.</summary>
public readonly record struct StateDifference(long StateKey, long? Before, long? After);
