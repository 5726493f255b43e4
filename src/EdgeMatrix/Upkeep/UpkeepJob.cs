namespace EdgeMatrix.Upkeep;

/// <summary>Work that a server does for itself now and then, a slice at a time.</summary>
/// <param name="Name">For the log, and for <see cref="UpkeepWorker.Wake"/>.</param>
/// <param name="Interval">From the end of one run to the start of the next.</param>
/// <param name="SliceAsync">
/// Does a bounded piece of the work, some tens of milliseconds of the writer at most, and says whether there is more. What it has to
/// remember from slice to slice it keeps in the database: the server may end after any of them.
/// </param>
public sealed record UpkeepJob(string Name, TimeSpan Interval, Func<CancellationToken, Task<bool>> SliceAsync);
