using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Search;

namespace EdgeMatrix.Rooms.Search;

/// <summary>
/// Keeps the index of words. Sending costs nothing of it: upkeep takes events in, many at once, and a search those that are left.
/// </summary>
/// <param name="enabled">False: there is none, and what there was is deleted.</param>
public sealed class SearchIndex(Database database, bool enabled)
{
    private const int EventsPerSlice = 512;

    // What a search waits for at most; beyond, it finds what upkeep has taken in.
    private const int SlicesPerSearch = 20;

    private bool _merging;

    public bool Enabled => enabled;

    /// <summary>The work of upkeep: takes events in, and once all are, gives back what those took that went.</summary>
    /// <returns>Whether there is more.</returns>
    public async Task<bool> SliceAsync(CancellationToken cancellationToken)
    {
        var (begun, isBehind, isWorthMerging) = Work();
        if (cancellationToken.IsCancellationRequested)
        {
            return false;
        }

        if (!enabled)
        {
            if (begun)
            {
                await database.WriteAsync(SearchTable.Clear);
            }

            return false;
        }

        // What is sent meanwhile waits for the next time, else a room in which people talk would keep this from ending.
        if (isBehind && await TakeAsync())
        {
            return true;
        }

        return _merging = (_merging || isWorthMerging) && await database.WriteAsync(db => SearchTable.Merge(db, begin: !_merging));
    }

    /// <summary>Takes in what was sent since upkeep did.</summary>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        var more = Work().IsBehind;
        for (var slices = 0; more && slices < SlicesPerSearch && !cancellationToken.IsCancellationRequested; slices++)
        {
            more = await TakeAsync();
        }
    }

    private Task<bool> TakeAsync() => database.WriteAsync(db => SearchTable.TakeSlice(db, EventsPerSlice));

    private (bool Begun, bool IsBehind, bool IsWorthMerging) Work()
    {
        using var snapshot = database.OpenSnapshot();
        return SearchTable.Work(snapshot);
    }
}
