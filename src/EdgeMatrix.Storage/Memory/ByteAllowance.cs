namespace EdgeMatrix.Storage.Memory;

/// <summary>Bytes that many hold for a short while, so many at once: what is not granted must wait, go to the disk, or be refused.</summary>
public sealed class ByteAllowance(string name, long wanted, long least) : MemoryShare(name, wanted, least)
{
    private long _held;
    private long _grants;
    private long _refusals;

    public override MemoryUse Use =>
        new(Interlocked.Read(ref _held), Interlocked.Read(ref _grants), 0, Interlocked.Read(ref _refusals));

    /// <summary>Grants the bytes, or refuses them where that would be more than the capacity.</summary>
    public bool TryHold(long bytes)
    {
        if (Interlocked.Add(ref _held, bytes) <= Capacity)
        {
            Interlocked.Increment(ref _grants);
            return true;
        }

        Interlocked.Add(ref _held, -bytes);
        Interlocked.Increment(ref _refusals);
        return false;
    }

    /// <summary>Gives back what one call of <see cref="TryHold"/>, or several, granted.</summary>
    /// <param name="grants">How many.</param>
    public void Release(long bytes, int grants = 1)
    {
        Interlocked.Add(ref _held, -bytes);
        Interlocked.Add(ref _grants, -grants);
    }

    /// <summary>Nothing: what is granted comes back by itself.</summary>
    public override void Trim()
    {
    }
}
