using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Accounts.Tokens;

/// <summary>The owners of tokens used lately.</summary>
internal sealed class TokenCache
{
    private readonly Lock _lock = new();
    private readonly BoundedCache<TokenHash, TokenOwner> _owners = new("tokens", wanted: 1 << 20, least: 64 << 10);
    private long _version;

    public TokenCache(MemoryBudget memory) => memory.Add(_owners);

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

    public TokenOwner? Find(TokenHash hash) => _owners.TryGet(hash, out var owner) ? owner : null;

    public void Add(TokenHash hash, TokenOwner owner, long version)
    {
        lock (_lock)
        {
            if (version == _version)
            {
                _owners.Set(hash, owner, TokenOwner.OwnBytes + ManagedSize.Of(owner.UserId) + ManagedSize.Of(owner.DeviceId));
            }
        }
    }

    /// <summary>Forgets the tokens of a device. Call after they are gone from the disk.</summary>
    public void Remove(long device) => RemoveWhere(owner => owner.DeviceNid == device);

    /// <summary>Forgets the tokens of a user. Call after what is known of the user has changed on the disk.</summary>
    public void RemoveOfUser(long user) => RemoveWhere(owner => owner.UserNid == user);

    private void RemoveWhere(Func<TokenOwner, bool> isGone)
    {
        lock (_lock)
        {
            _version++;
            _owners.RemoveWhere((_, owner) => isGone(owner));
        }
    }
}
