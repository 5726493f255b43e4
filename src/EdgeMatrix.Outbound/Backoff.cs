namespace EdgeMatrix.Outbound;

/// <summary>How long to wait before somebody who did not answer is asked again: twice as long each time, from a second to an hour.</summary>
public static class Backoff
{
    private const int MaxDoublings = 12;

    private static readonly TimeSpan _longest = TimeSpan.FromHours(1);

    /// <param name="failures">How often in a row it failed, from 1 on.</param>
    public static TimeSpan After(int failures)
    {
        var wait = TimeSpan.FromSeconds(1L << Math.Min(failures - 1, MaxDoublings));
        return wait < _longest ? wait : _longest;
    }
}
