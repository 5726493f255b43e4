namespace EdgeMatrix.Storage.Memory;

/// <summary>One part's share of the <see cref="MemoryBudget"/>: what it may hold, and what it holds.</summary>
/// <param name="name">As <c>/metrics</c> shows it: small letters and underscores.</param>
/// <param name="wanted">Bytes that are of use to it where there is memory enough.</param>
/// <param name="least">Bytes without which it cannot work.</param>
public abstract class MemoryShare(string name, long wanted, long least)
{
    private long _capacity = wanted;

    public string Name { get; } = name;

    public long Wanted { get; } = wanted;

    public long Least { get; } = least;

    /// <summary>Bytes that it may hold now.</summary>
    public long Capacity
    {
        get => Volatile.Read(ref _capacity);
        internal set => Volatile.Write(ref _capacity, value);
    }

    /// <summary>Approximate while others use it.</summary>
    public abstract MemoryUse Use { get; }

    /// <summary>Gives up what is above its capacity, if it can.</summary>
    public abstract void Trim();
}

/// <param name="Bytes">Held now: an estimate, within a factor of two, where it is of managed objects.</param>
/// <param name="Entries">Things held now.</param>
/// <param name="Hits">Since the start, asked for and found.</param>
/// <param name="Misses">Asked for and not found; of a queue, turned away.</param>
/// <param name="Evictions">Given up to make room.</param>
public readonly record struct MemoryUse(long Bytes, long Entries, long Hits = 0, long Misses = 0, long Evictions = 0);
