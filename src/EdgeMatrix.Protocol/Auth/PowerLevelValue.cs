using System.Globalization;
using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>
/// One power level as a room version spells it. Levels beyond ±(2^63 - 2), which old versions allow, count as that: they are above,
/// or below, all that anybody uses.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v1/#deprecated-event-content-schemas</remarks>
public static class PowerLevelValue
{
    /// <summary>The greatest level that can be written; the least is its negative. One below what creators have.</summary>
    public const long Max = long.MaxValue - 1;

    /// <summary>The level, or null if the value is none in this version.</summary>
    public static long? Read(JsonElement value, RoomVersion version)
    {
        if (version.IntegerPowerLevels)
        {
            return value.AsInteger();
        }

        return value.ValueKind switch
        {
            JsonValueKind.Number => FromNumber(value),
            JsonValueKind.String => FromString(value.GetString()!),
            _ => null,
        };
    }

    // "First, exponential notation is applied: 5.114698E4 becomes 51146.98. Second, the value is truncated at the decimal point."
    // "Values outside the range represented by IEE754 binary64 cause the powerlevel event to be rejected."
    private static long? FromNumber(JsonElement value)
    {
        if (value.TryGetInt64(out var integer))
        {
            return Math.Clamp(integer, -Max, Max);
        }

        if (!value.TryGetDouble(out var number) || !double.IsFinite(number))
        {
            return null;
        }

        // The doubles next to the bounds are beyond them, so that the conversion cannot overflow.
        return number >= long.MaxValue ? Max : number <= long.MinValue ? -Max : (long)number;
    }

    // "A single base 10 integer, no float values or decimal points, optionally with any number of leading zeroes; optionally prefixed
    // with a single - or + character before the integer; optionally with any number of leading or trailing whitespace characters."
    // Python's int(), by which the first server read them, also takes digits of other scripts and underscores between digits: those
    // are not of this format.
    private static long? FromString(string text)
    {
        var digits = text.AsSpan().Trim();
        var negative = digits is ['-', ..];
        if (digits is ['-' or '+', ..])
        {
            digits = digits[1..];
        }

        if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9'))
        {
            return null;
        }

        // Only digits are left: what does not fit is too large.
        var size = long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? Math.Min(parsed, Max) : Max;
        return negative ? -size : size;
    }
}
