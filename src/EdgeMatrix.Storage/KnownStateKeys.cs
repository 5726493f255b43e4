using System.Collections.Concurrent;

namespace EdgeMatrix.Storage;

/// <summary>The integers of pairs of event type and state key, which never change once they are committed. Bounded; thread-safe.</summary>
internal sealed class KnownStateKeys
{
    // Some 200 KiB when full.
    private const int MaxKept = 1_024;

    private readonly ConcurrentDictionary<(string Type, string StateKey), long> _keys = new();

    public long? Find(string type, string stateKey) => _keys.TryGetValue((type, stateKey), out var key) ? key : null;

    public void Add(string type, string stateKey, long key)
    {
        // Which of them go matters little: each is one statement away.
        if (_keys.Count >= MaxKept)
        {
            _keys.Clear();
        }

        _keys[(type, stateKey)] = key;
    }
}
