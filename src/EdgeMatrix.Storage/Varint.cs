namespace EdgeMatrix.Storage;

/// <summary>Numbers in as few bytes as they need, seven bits in each, the lowest first; the top bit says that more follow.</summary>
internal static class Varint
{
    public const int MaxBytes = 10;

    /// <returns>How many bytes it took.</returns>
    public static int Write(Span<byte> buffer, ulong value)
    {
        var length = 0;
        while (value >= 0x80)
        {
            buffer[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        buffer[length++] = (byte)value;
        return length;
    }

    /// <summary>How many bytes <see cref="Write"/> takes for it.</summary>
    public static int Length(ulong value)
    {
        var length = 1;
        for (; value >= 0x80; value >>= 7)
        {
            length++;
        }

        return length;
    }

    /// <summary>Takes a number off the front of the bytes; false where there is none.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 64 && !bytes.IsEmpty; shift += 7)
        {
            var next = bytes[0];
            bytes = bytes[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A difference that may be below 0, as a number that is small where the difference is small.</summary>
    public static ulong Zigzag(long difference) => (ulong)((difference << 1) ^ (difference >> 63));

    public static long Unzigzag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);
}
