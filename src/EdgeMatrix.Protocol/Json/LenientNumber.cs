using System.Buffers;
using System.Globalization;

namespace EdgeMatrix.Protocol.Json;

/// <summary>
/// The canonical form of numbers where strictness is not enforced. The specification shows its encoding as Python's <c>json.dumps</c>
/// and says no more; events of such rooms were hashed by it, so this is what it writes. Two kinds, told apart by their spelling:
/// an integer keeps its digits whatever its size, and <c>-0</c> is <c>0</c>; anything with a fraction or an exponent is a double in the
/// shortest digits that read back as it, plain while its exponent is from -4 to 15, so <c>1e3</c> is <c>1000.0</c>, <c>1E16</c> is
/// <c>1e+16</c>, and <c>-0.0</c> stays. Refused, as there: a double beyond the range, an integer of more than 4,300 digits.
/// </summary>
internal static class LenientNumber
{
    /// <summary>What Python reads: <c>sys.int_info.default_max_str_digits</c>.</summary>
    private const int MaxIntegerDigits = 4_300;

    private const int MinPlainExponent = -4;
    private const int MaxPlainExponent = 15;

    // A double has 17 significant digits at most.
    private const int MaxDoubleDigits = 17;

    /// <param name="raw">A number as JSON spells it.</param>
    public static string? Write(ReadOnlySpan<byte> raw, IBufferWriter<byte> output)
    {
        if (raw.ContainsAny((byte)'.', (byte)'e', (byte)'E'))
        {
            return WriteDouble(raw, output);
        }

        if (raw.TrimStart((byte)'-').Length > MaxIntegerDigits)
        {
            return $"an integer has more than {MaxIntegerDigits} digits";
        }

        output.Write(raw.SequenceEqual("-0"u8) ? "0"u8 : raw);
        return null;
    }

    private static string? WriteDouble(ReadOnlySpan<byte> raw, IBufferWriter<byte> output)
    {
        if (!double.TryParse(raw, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value))
        {
            return "a number is beyond the range of a double";
        }

        Span<byte> digits = stackalloc byte[MaxDoubleDigits];
        var count = Digits(value, digits, out var exponent);
        digits = digits[..count];
        if (double.IsNegative(value))
        {
            output.Write("-"u8);
        }

        if (exponent is < MinPlainExponent or > MaxPlainExponent)
        {
            WriteWithExponent(digits, exponent, output);
        }
        else if (exponent < 0)
        {
            // 0.00123
            output.Write("0."u8);
            WriteZeros(-exponent - 1, output);
            output.Write(digits);
        }
        else
        {
            // 12300.0 or 1.23
            var whole = Math.Min(exponent + 1, count);
            output.Write(digits[..whole]);
            WriteZeros(exponent + 1 - whole, output);
            output.Write("."u8);
            output.Write(whole < count ? digits[whole..] : "0"u8);
        }

        return null;
    }

    // 1.23e-05 or 1e+16: a sign always, two digits at least.
    private static void WriteWithExponent(ReadOnlySpan<byte> digits, int exponent, IBufferWriter<byte> output)
    {
        output.Write(digits[..1]);
        if (digits.Length > 1)
        {
            output.Write("."u8);
            output.Write(digits[1..]);
        }

        Span<byte> text = stackalloc byte[8];
        exponent.TryFormat(text, out var length, "'e+'00;'e-'00", CultureInfo.InvariantCulture);
        output.Write(text[..length]);
    }

    private static void WriteZeros(int count, IBufferWriter<byte> output) => output.Write("0000000000000000"u8[..count]);

    // The shortest digits that read back as the value, no zero at either end, and the exponent of the first of them.
    private static int Digits(double value, Span<byte> digits, out int exponent)
    {
        Span<byte> text = stackalloc byte[32];
        Math.Abs(value).TryFormat(text, out var length, "R", CultureInfo.InvariantCulture);
        ReadOnlySpan<byte> mantissa = text[..length];
        exponent = 0;
        if (mantissa.IndexOf((byte)'E') is var mark and >= 0)
        {
            exponent = int.Parse(mantissa[(mark + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            mantissa = mantissa[..mark];
        }

        var point = mantissa.IndexOf((byte)'.') is var found and >= 0 ? found : mantissa.Length;
        var count = 0;
        for (var index = 0; index < mantissa.Length; index++)
        {
            if (mantissa[index] == (byte)'.' || (count == 0 && mantissa[index] == (byte)'0'))
            {
                continue;
            }

            if (count == 0)
            {
                exponent += index < point ? point - 1 - index : point - index;
            }

            digits[count++] = mantissa[index];
        }

        if (count == 0)
        {
            digits[0] = (byte)'0';
            exponent = 0;
            return 1;
        }

        return digits[..count].TrimEnd((byte)'0').Length;
    }
}
