namespace EdgeMatrix.Storage.Memory;

/// <summary>
/// The memory of one server: every cache and queue has a share in it, in bytes. Where the limit is tight, or memory runs out, all
/// shares become smaller alike; none can make another one starve. Thread-safe.
/// </summary>
public sealed class MemoryBudget
{
    /// <summary>The least that a server works in.</summary>
    public const long MinLimit = 32L << 20;

    // About what a server at rest takes, little of it in its shares: tests/EdgeMatrix.EndToEnd/measure.
    private const long BaseBytes = 32L << 20;

    // Beside what is kept there is what requests use while they run, and what the collector has not yet found to be free.
    private const int KeptPart = 3;

    private const int MaxSqueeze = 3;

    private readonly Lock _lock = new();
    private readonly List<MemoryShare> _shares = [];
    private volatile int _squeeze;

    /// <param name="limit">Bytes that the process shall not exceed, resident.</param>
    public MemoryBudget(long limit) => Limit = limit;

    /// <summary>A budget that gives every share what it asks for.</summary>
    public static MemoryBudget Unlimited() => new(long.MaxValue / 2);

    /// <summary>Bytes that the process shall not exceed, resident.</summary>
    public long Limit { get; }

    /// <summary>How often in a row memory was found to be short: with each time the shares are halved.</summary>
    public int Squeeze => _squeeze;

    /// <summary>In the order in which they were added.</summary>
    public IReadOnlyList<MemoryShare> Shares
    {
        get
        {
            lock (_lock)
            {
                return [.. _shares];
            }
        }
    }

    public void Add(MemoryShare share)
    {
        lock (_lock)
        {
            _shares.Add(share);
            Divide();
        }
    }

    /// <summary>Memory is short: everybody keeps half of what they kept, and lets go of the rest at once.</summary>
    /// <returns>False if the shares were as small as they get already.</returns>
    public bool Tighten() => SetSqueeze(_squeeze + 1);

    /// <summary>There is room again: undoes one <see cref="Tighten"/>.</summary>
    public bool Loosen() => SetSqueeze(_squeeze - 1);

    /// <summary>Has every share give up what is above its capacity.</summary>
    public void Trim()
    {
        foreach (var share in Shares)
        {
            share.Trim();
        }
    }

    private bool SetSqueeze(int squeeze)
    {
        lock (_lock)
        {
            if (squeeze is < 0 or > MaxSqueeze)
            {
                return false;
            }

            _squeeze = squeeze;
            Divide();
        }

        Trim();
        return true;
    }

    private void Divide()
    {
        var kept = Math.Max(0, Limit - BaseBytes) / KeptPart;
        var wanted = _shares.Sum(share => share.Wanted);
        foreach (var share in _shares)
        {
            var part = kept >= wanted ? share.Wanted : (long)(share.Wanted * ((double)kept / wanted));
            share.Capacity = Math.Max(share.Least, part >> _squeeze);
        }
    }
}
