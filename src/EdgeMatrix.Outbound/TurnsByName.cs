namespace EdgeMatrix.Outbound;

/// <summary>So many at once of one name, such as that of a server: one that is slow cannot take the turns of all.</summary>
public sealed class TurnsByName(int most)
{
    private readonly Dictionary<string, Turns> _underWay = new(StringComparer.Ordinal);

    /// <summary>Ends when it is the caller's turn; what it gives back is called when the turn is over.</summary>
    public async Task<Action> TakeAsync(string name, CancellationToken cancellation)
    {
        Turns turns;
        lock (_underWay)
        {
            if (!_underWay.TryGetValue(name, out turns!))
            {
                _underWay[name] = turns = new Turns(new SemaphoreSlim(most));
            }

            turns.Users++;
        }

        try
        {
            await turns.Free.WaitAsync(cancellation);
        }
        catch
        {
            Leave(name, turns);
            throw;
        }

        return () =>
        {
            turns.Free.Release();
            Leave(name, turns);
        };
    }

    private void Leave(string name, Turns turns)
    {
        lock (_underWay)
        {
            if (--turns.Users == 0)
            {
                _underWay.Remove(name);
                turns.Free.Dispose();
            }
        }
    }

    private sealed class Turns(SemaphoreSlim free)
    {
        public SemaphoreSlim Free => free;

        public int Users { get; set; }
    }
}
