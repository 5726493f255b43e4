using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Storage;

/// <summary>The integers of pairs of event type and state key, which never change once they are committed. Thread-safe.</summary>
internal sealed class KnownStateKeys
{
    private readonly BoundedCache<(string Type, string StateKey), long> _keys = new("state_keys", wanted: 256 << 10, least: 32 << 10);

    public KnownStateKeys(MemoryBudget memory) => memory.Add(_keys);

    public long? Find(string type, string stateKey) => _keys.TryGet((type, stateKey), out var key) ? key : null;

    public void Add(string type, string stateKey, long key) =>
        _keys.Set((type, stateKey), key, ManagedSize.Of(type) + ManagedSize.Of(stateKey));
}
