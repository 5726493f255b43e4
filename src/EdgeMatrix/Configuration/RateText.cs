using System.Globalization;
using EdgeMatrix.Api.Limits;

namespace EdgeMatrix.Configuration;

/// <summary>Reads and writes rates as people write them: <c>10/s burst 200</c>, <c>3/m burst 20</c>.</summary>
internal static class RateText
{
    private static readonly (string Unit, TimeSpan Time)[] _units =
        [("s", TimeSpan.FromSeconds(1)), ("m", TimeSpan.FromMinutes(1)), ("h", TimeSpan.FromHours(1))];

    /// <summary>Null if the text is no rate.</summary>
    public static Rate? Parse(string text)
    {
        if (text.Split(' ') is not [var often, "burst", var burst] || often.Split('/') is not [var count, var unit])
        {
            return null;
        }

        var time = _units.FirstOrDefault(known => known.Unit == unit).Time;
        return time > TimeSpan.Zero && Number(count) is { } per && Number(burst) is { } atOnce ? new Rate(time / per, atOnce) : null;
    }

    public static string Write(Rate rate)
    {
        var (unit, time) = _units.First(known => rate.Interval <= known.Time || known.Unit == "h");
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Round(time / rate.Interval)}/{unit} burst {rate.Burst}");
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= 1_000_000 ? number : null;
}
