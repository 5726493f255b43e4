namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>Reads the coefficients of blocks of four by four pixels.</summary>
/// <remarks>RFC 6386, section 13</remarks>
internal sealed class Vp8Coefficients(byte[] probabilities)
{
    /// <summary>Kinds of blocks: luma without its first coefficients, those, chroma, whole luma.</summary>
    public const int LumaRest = 0;
    public const int Second = 1;
    public const int Chroma = 2;
    public const int Luma = 3;

    private static ReadOnlySpan<byte> Bands => [0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7];

    private static ReadOnlySpan<byte> ZigZag => [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15];

    /// <param name="context">How many of the blocks above and to the left have coefficients.</param>
    /// <param name="block">Sixteen, zero before.</param>
    /// <returns>Whether there is one.</returns>
    public bool Read(BoolReader reader, int kind, int context, int dc, int ac, Span<int> block)
    {
        var at = kind == LumaRest ? 1 : 0;
        var start = at;
        var afterZero = false;
        for (; at < 16; at++)
        {
            var p = probabilities.AsSpan(((((kind * 8) + Bands[at]) * 3) + context) * 11, 11);
            if (!afterZero && !reader.Bool(p[0]))
            {
                break;
            }

            if (!reader.Bool(p[1]))
            {
                (afterZero, context) = (true, 0);
                continue;
            }

            var value = ReadValue(reader, p);
            (afterZero, context) = (false, value == 1 ? 1 : 2);
            block[ZigZag[at]] = (reader.Flag() ? -value : value) * (at == 0 ? dc : ac);
        }

        return at > start;
    }

    private static int ReadValue(BoolReader reader, ReadOnlySpan<byte> p)
    {
        if (!reader.Bool(p[2]))
        {
            return 1;
        }

        if (!reader.Bool(p[3]))
        {
            return !reader.Bool(p[4]) ? 2 : reader.Bool(p[5]) ? 4 : 3;
        }

        if (!reader.Bool(p[6]))
        {
            return reader.Bool(p[7]) ? Extra(reader, 7, [165, 145]) : Extra(reader, 5, [159]);
        }

        return reader.Bool(p[8])
            ? reader.Bool(p[10])
                ? Extra(reader, 67, [254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129])
                : Extra(reader, 35, [180, 157, 141, 134, 130])
            : reader.Bool(p[9])
                ? Extra(reader, 19, [176, 155, 140, 135])
                : Extra(reader, 11, [173, 148, 140]);
    }

    private static int Extra(BoolReader reader, int least, ReadOnlySpan<byte> probabilities)
    {
        var extra = 0;
        foreach (var probability in probabilities)
        {
            extra = (extra << 1) | (reader.Bool(probability) ? 1 : 0);
        }

        return least + extra;
    }
}
