using System.Globalization;

namespace EdgeMatrix.Configuration;

/// <summary>Reads and writes times and sizes as people write them in the configuration: <c>7d</c>, <c>10GB</c>.</summary>
internal static class Quantities
{
    // The longest first that divides a value is how it is written.
    private static readonly (string Unit, long Factor)[] _times = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    private static readonly (string Unit, long Factor)[] _sizes = [("TB", 1L << 40), ("GB", 1L << 30), ("MB", 1L << 20), ("KB", 1L << 10), ("B", 1)];

    public static TimeSpan? ParseTime(string text) => Parse(text, _times) is { } seconds && seconds <= TimeSpan.MaxValue.TotalSeconds / 2
        ? TimeSpan.FromSeconds(seconds)
        : null;

    public static string Write(TimeSpan time) => Write((long)time.TotalSeconds, _times);

    public static long? ParseSize(string text) => Parse(text, _sizes);

    public static string Write(long bytes) => Write(bytes, _sizes);

    private static long? Parse(string text, (string Unit, long Factor)[] units)
    {
        foreach (var (unit, factor) in units)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && long.TryParse(text.AsSpan(0, text.Length - unit.Length).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                && count <= long.MaxValue / factor)
            {
                return count * factor;
            }
        }

        return null;
    }

    private static string Write(long value, (string Unit, long Factor)[] units)
    {
        var (unit, factor) = value == 0 ? units[^1] : units.First(candidate => value % candidate.Factor == 0);
        return string.Create(CultureInfo.InvariantCulture, $"{value / factor}{unit}");
    }
}
