namespace EdgeMatrix.Upkeep;

/// <summary>Work that a server does for itself now and then, a slice at a time.</summary>
/// <param name="Name">For the log.</param>
/// <param name="Interval">From the end of one run to the start of the next.</param>
/// <param name="SliceAsync">
/// Does a bounded piece of the work, some tens of milliseconds of the writer at most, and says whether there is more. The
/// server may end after any of them: what it remembers from slice to slice it can do without, or keeps in the database.
/// </param>
public sealed record UpkeepJob(string Name, TimeSpan Interval, Func<CancellationToken, Task<bool>> SliceAsync);
