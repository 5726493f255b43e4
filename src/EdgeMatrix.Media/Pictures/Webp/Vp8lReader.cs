namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>Reads the bits of a lossless picture, from behind its header.</summary>
/// <remarks>RFC 9649, section 3</remarks>
internal ref struct Vp8lReader(ReadOnlySpan<byte> data)
{
    private const int LengthCodes = 24;
    private const int DistanceCodes = 40;

    private Vp8lBits _bits = new(data);

    // Section 3.6.2.2: distances to the pixels that are near, by columns and rows.
    private static ReadOnlySpan<sbyte> Near =>
    [
        0, 1, 1, 0, 1, 1, -1, 1, 0, 2, 2, 0, 1, 2, -1, 2, 2, 1, -2, 1, 2, 2, -2, 2, 0, 3, 3, 0, 1, 3, -1, 3, 3, 1, -3, 1, 2, 3, -2, 3, 3,
        2, -3, 2, 0, 4, 4, 0, 1, 4, -1, 4, 4, 1, -4, 1, 3, 3, -3, 3, 2, 4, -2, 4, 4, 2, -4, 2, 0, 5, 3, 4, -3, 4, 4, 3, -4, 3, 5, 0, 1,
        5, -1, 5, 5, 1, -5, 1, 2, 5, -2, 5, 5, 2, -5, 2, 4, 4, -4, 4, 3, 5, -3, 5, 5, 3, -5, 3, 0, 6, 6, 0, 1, 6, -1, 6, 6, 1, -6, 1, 2,
        6, -2, 6, 6, 2, -6, 2, 4, 5, -4, 5, 5, 4, -5, 4, 3, 6, -3, 6, 6, 3, -6, 3, 0, 7, 7, 0, 1, 7, -1, 7, 5, 5, -5, 5, 7, 1, -7, 1, 4,
        6, -4, 6, 6, 4, -6, 4, 2, 7, -2, 7, 7, 2, -7, 2, 3, 7, -3, 7, 7, 3, -7, 3, 5, 6, -5, 6, 6, 5, -6, 5, 8, 0, 4, 7, -4, 7, 7, 4, -7,
        4, 8, 1, 8, 2, 6, 6, -6, 6, 8, 3, 5, 7, -5, 7, 7, 5, -7, 5, 8, 4, 6, 7, -6, 7, 7, 6, -7, 6, 8, 5, 7, 7, -7, 7, 8, 6, 8, 7,
    ];

    /// <returns>Pixels, 0xAARRGGBB.</returns>
    public uint[] Read(int width, int height)
    {
        var transforms = new List<Vp8lTransform>();
        var codedWidth = width;
        while (_bits.Read(1) == 1)
        {
            var transform = ReadTransform(codedWidth, height);
            if (transforms.Exists(other => other.Kind == transform.Kind))
            {
                throw new InvalidDataException("The same transform twice");
            }

            transforms.Add(transform);
            codedWidth = transform.CodedWidth;
        }

        var pixels = ReadPixels(codedWidth, height, mayHaveGroups: true);
        for (var i = transforms.Count - 1; i >= 0; i--)
        {
            pixels = transforms[i].Undo(pixels);
        }

        return pixels;
    }

    private Vp8lTransform ReadTransform(int width, int height)
    {
        var kind = (Vp8lTransformKind)_bits.Read(2);
        switch (kind)
        {
            case Vp8lTransformKind.SubtractGreen:
                return new Vp8lTransform(kind, width, width, 0, []);
            case Vp8lTransformKind.ColorIndexing:
                var colors = 1 + (int)_bits.Read(8);
                var table = ReadPixels(colors, 1, mayHaveGroups: false);
                for (var i = 1; i < colors; i++)
                {
                    table[i] = Vp8lTransform.Add(table[i], table[i - 1]);
                }

                var packed = colors <= 2 ? 3 : colors <= 4 ? 2 : colors <= 16 ? 1 : 0;
                return new Vp8lTransform(kind, width, Blocks(width, packed), packed, table);
            default:
                var bits = 2 + (int)_bits.Read(3);
                return new Vp8lTransform(kind, width, width, bits, ReadPixels(Blocks(width, bits), Blocks(height, bits), mayHaveGroups: false));
        }
    }

    private uint[] ReadPixels(int width, int height, bool mayHaveGroups)
    {
        var cacheBits = 0;
        if (_bits.Read(1) == 1)
        {
            cacheBits = (int)_bits.Read(4);
            if (cacheBits is 0 or > 11)
            {
                throw new InvalidDataException("No such color cache");
            }
        }

        var (groupBits, groupOf) = (0, Array.Empty<uint>());
        var count = 1;
        if (mayHaveGroups && _bits.Read(1) == 1)
        {
            groupBits = 2 + (int)_bits.Read(3);
            groupOf = ReadPixels(Blocks(width, groupBits), Blocks(height, groupBits), mayHaveGroups: false);
            for (var i = 0; i < groupOf.Length; i++)
            {
                groupOf[i] = (groupOf[i] >> 8) & 0xFFFF;
                count = Math.Max(count, (int)groupOf[i] + 1);
            }
        }

        var cache = new uint[cacheBits == 0 ? 0 : 1 << cacheBits];
        var groups = new PrefixCode[count][];
        for (var i = 0; i < count; i++)
        {
            groups[i] =
            [
                PrefixCodeReader.Read(ref _bits, 256 + LengthCodes + cache.Length),
                PrefixCodeReader.Read(ref _bits, 256),
                PrefixCodeReader.Read(ref _bits, 256),
                PrefixCodeReader.Read(ref _bits, 256),
                PrefixCodeReader.Read(ref _bits, DistanceCodes),
            ];
        }

        return ReadCoded(width, height, new ColorCache(cache, cacheBits), groups, groupOf, groupBits);
    }

    private uint[] ReadCoded(int width, int height, ColorCache cache, PrefixCode[][] groups, uint[] groupOf, int groupBits)
    {
        var pixels = new uint[width * height];
        var blocks = Blocks(width, groupBits);
        var group = groups[0];
        for (var at = 0; at < pixels.Length;)
        {
            if (groupOf.Length > 0)
            {
                group = groups[groupOf[(at / width >> groupBits) * blocks + (at % width >> groupBits)]];
            }

            var symbol = group[0].Read(ref _bits);
            if (symbol < 256)
            {
                var red = (uint)group[1].Read(ref _bits);
                var blue = (uint)group[2].Read(ref _bits);
                var alpha = (uint)group[3].Read(ref _bits);
                cache.Add(pixels[at++] = (alpha << 24) | (red << 16) | ((uint)symbol << 8) | blue);
            }
            else if (symbol < 256 + LengthCodes)
            {
                var length = ReadNumber(symbol - 256);
                var distance = Distance(ReadNumber(group[4].Read(ref _bits)), width);
                if (distance > at || length > pixels.Length - at)
                {
                    throw new InvalidDataException("A copy of what is not there");
                }

                for (var i = 0; i < length; i++, at++)
                {
                    cache.Add(pixels[at] = pixels[at - distance]);
                }
            }
            else
            {
                cache.Add(pixels[at++] = cache.Get(symbol - 256 - LengthCodes));
            }
        }

        return pixels;
    }

    private int ReadNumber(int prefix)
    {
        if (prefix < 4)
        {
            return prefix + 1;
        }

        var extra = (prefix - 2) >> 1;
        return ((2 + (prefix & 1)) << extra) + (int)_bits.Read(extra) + 1;
    }

    private static int Distance(int code, int width) => code > Near.Length / 2
        ? code - (Near.Length / 2)
        : Math.Max(1, Near[(code - 1) * 2] + (Near[((code - 1) * 2) + 1] * width));

    private static int Blocks(int length, int bits) => (length + (1 << bits) - 1) >> bits;
}

/// <summary>Colors that came lately, by a hash of them.</summary>
/// <remarks>RFC 9649, section 3.6.3</remarks>
internal readonly struct ColorCache(uint[] colors, int bits)
{
    public void Add(uint argb)
    {
        if (colors.Length > 0)
        {
            colors[(0x1E35A7BDu * argb) >> (32 - bits)] = argb;
        }
    }

    public uint Get(int index) => colors[index];
}
