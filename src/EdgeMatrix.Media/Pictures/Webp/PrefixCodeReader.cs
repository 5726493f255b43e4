namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>Reads how prefix codes are written: the lengths of the codes, themselves in a prefix code.</summary>
/// <remarks>RFC 9649, section 3.7.2.1</remarks>
internal static class PrefixCodeReader
{
    private static ReadOnlySpan<byte> LengthOrder => [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    /// <param name="symbols">How many there are in the alphabet.</param>
    public static PrefixCode Read(ref Vp8lBits bits, int symbols)
    {
        var lengths = new byte[symbols];
        if (bits.Read(1) == 1)
        {
            ReadSimple(ref bits, lengths);
        }
        else
        {
            ReadLengths(ref bits, lengths);
        }

        return new PrefixCode(lengths);
    }

    private static void ReadSimple(ref Vp8lBits bits, byte[] lengths)
    {
        var two = bits.Read(1) == 1;
        var first = bits.Read(bits.Read(1) == 1 ? 8 : 1);
        Set(first);
        if (two)
        {
            Set(bits.Read(8));
        }

        void Set(uint symbol)
        {
            if (symbol >= lengths.Length)
            {
                throw new InvalidDataException("No such symbol");
            }

            lengths[symbol] = 1;
        }
    }

    private static void ReadLengths(ref Vp8lBits bits, byte[] lengths)
    {
        var ofLengths = new byte[LengthOrder.Length];
        var written = 4 + (int)bits.Read(4);
        for (var i = 0; i < written; i++)
        {
            ofLengths[LengthOrder[i]] = (byte)bits.Read(3);
        }

        var code = new PrefixCode(ofLengths);
        var left = lengths.Length;
        if (bits.Read(1) == 1)
        {
            left = 2 + (int)bits.Read(2 + (2 * (int)bits.Read(3)));
            if (left > lengths.Length)
            {
                throw new InvalidDataException("Too many code lengths");
            }
        }

        byte previous = 8;
        for (var at = 0; at < lengths.Length && left > 0; left--)
        {
            var symbol = code.Read(ref bits);
            if (symbol < 16)
            {
                lengths[at++] = (byte)symbol;
                previous = symbol > 0 ? (byte)symbol : previous;
                continue;
            }

            var (value, repeat) = symbol switch
            {
                16 => (previous, 3 + (int)bits.Read(2)),
                17 => ((byte)0, 3 + (int)bits.Read(3)),
                _ => ((byte)0, 11 + (int)bits.Read(7)),
            };
            if (at + repeat > lengths.Length)
            {
                throw new InvalidDataException("Too many code lengths");
            }

            lengths.AsSpan(at, repeat).Fill(value);
            at += repeat;
        }
    }
}
