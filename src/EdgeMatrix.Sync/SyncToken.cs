using System.Globalization;

namespace EdgeMatrix.Sync;

/// <summary>How far a client has synced: the <c>since</c> and <c>next_batch</c> of <c>/sync</c>.</summary>
/// <param name="Position">The stream position up to which everything on the disk was told.</param>
/// <param name="Typing">The same for typing, which has a stream of its own in memory.</param>
/// <remarks>As text <c>s{position}_{typing}</c>; clients must not look inside.</remarks>
public readonly record struct SyncToken(long Position, long Typing)
{
    public static bool TryParse(string? text, out SyncToken token)
    {
        token = default;
        if (text is not ['s', .. var rest] || rest.IndexOf('_') is not (> 0 and var middle))
        {
            return false;
        }

        if (!long.TryParse(rest.AsSpan(0, middle), NumberStyles.None, CultureInfo.InvariantCulture, out var position)
            || !long.TryParse(rest.AsSpan(middle + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var typing))
        {
            return false;
        }

        token = new SyncToken(position, typing);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"s{Position}_{Typing}");
}
