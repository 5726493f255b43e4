using System.Globalization;

namespace EdgeMatrix.Sync;

/// <summary>How far a client has synced: the <c>since</c> and <c>next_batch</c> of <c>/sync</c>.</summary>
/// <param name="Position">The stream position up to which everything on the disk was told.</param>
/// <param name="Typing">The same for typing, which has a stream of its own in memory.</param>
/// <param name="ToDevice">The same for to-device messages, of which an answer may hold fewer than there are.</param>
/// <remarks>As text <c>s{position}_{typing}_{toDevice}</c>; clients must not look inside.</remarks>
public readonly record struct SyncToken(long Position, long Typing, long ToDevice)
{
    public static bool TryParse(string? text, out SyncToken token)
    {
        token = default;
        if (text is not ['s', .. var rest] || rest.Split('_') is not [var first, var second, .. var more] || more.Length > 1)
        {
            return false;
        }

        // Tokens from before there were to-device messages have two parts.
        if (!TryRead(first, out var position) || !TryRead(second, out var typing) || !TryRead(more is [var third] ? third : first, out var toDevice))
        {
            return false;
        }

        token = new SyncToken(position, typing, toDevice);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"s{Position}_{Typing}_{ToDevice}");

    private static bool TryRead(string text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
