namespace EdgeMatrix.Accounts.Tokens;

/// <summary>The owners of tokens used lately, in two generations: when the younger is full, the older is let go.</summary>
/// <param name="capacity">How many one generation holds.</param>
internal sealed class TokenCache(int capacity)
{
    private readonly Lock _lock = new();
    private Dictionary<TokenHash, TokenOwner> _young = [];
    private Dictionary<TokenHash, TokenOwner> _old = [];
    private long _version;

    /// <summary>Moves with every removal: whoever read the disk under one version may add what it read under that version only.</summary>
    public long Version
    {
        get
        {
            lock (_lock)
            {
                return _version;
            }
        }
    }

    public TokenOwner? Find(TokenHash hash)
    {
        lock (_lock)
        {
            if (_young.TryGetValue(hash, out var owner))
            {
                return owner;
            }

            if (_old.TryGetValue(hash, out owner))
            {
                Put(hash, owner);
            }

            return owner;
        }
    }

    public void Add(TokenHash hash, TokenOwner owner, long version)
    {
        lock (_lock)
        {
            if (version == _version)
            {
                Put(hash, owner);
            }
        }
    }

    /// <summary>Forgets the tokens of a device. Call after they are gone from the disk.</summary>
    public void Remove(long device)
    {
        lock (_lock)
        {
            _version++;
            Remove(_young, device);
            Remove(_old, device);
        }
    }

    private static void Remove(Dictionary<TokenHash, TokenOwner> generation, long device)
    {
        foreach (var (hash, owner) in generation)
        {
            if (owner.DeviceNid == device)
            {
                generation.Remove(hash);
            }
        }
    }

    private void Put(TokenHash hash, TokenOwner owner)
    {
        if (_young.Count >= capacity)
        {
            _old = _young;
            _young = [];
        }

        _young[hash] = owner;
    }
}
