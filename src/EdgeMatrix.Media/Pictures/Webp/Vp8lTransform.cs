namespace EdgeMatrix.Media.Pictures.Webp;

internal enum Vp8lTransformKind
{
    Predictor = 0,
    Color = 1,
    SubtractGreen = 2,
    ColorIndexing = 3,
}

/// <summary>What was done to the pixels so that they would be written in fewer bits.</summary>
/// <param name="CodedWidth">Of the pixels as they are written.</param>
/// <param name="Bits">The logarithm of the side of a block, or of the pixels packed into one.</param>
/// <param name="Data">A number for each block, or the table of colors.</param>
/// <remarks>RFC 9649, section 3.5</remarks>
internal sealed record Vp8lTransform(Vp8lTransformKind Kind, int Width, int CodedWidth, int Bits, uint[] Data)
{
    public uint[] Undo(uint[] pixels) => Kind switch
    {
        Vp8lTransformKind.Predictor => UndoPredictor(pixels),
        Vp8lTransformKind.Color => UndoColor(pixels),
        Vp8lTransformKind.SubtractGreen => UndoSubtractGreen(pixels),
        _ => UndoIndexing(pixels),
    };

    /// <summary>The sum of each channel.</summary>
    public static uint Add(uint a, uint b) =>
        (((a & 0xFF00FF00) + (b & 0xFF00FF00)) & 0xFF00FF00) | (((a & 0x00FF00FF) + (b & 0x00FF00FF)) & 0x00FF00FF);

    private uint[] UndoPredictor(uint[] pixels)
    {
        var blocks = (Width + (1 << Bits) - 1) >> Bits;
        pixels[0] = Add(pixels[0], 0xFF000000);
        for (var i = 1; i < pixels.Length; i++)
        {
            var (x, y) = (i % Width, i / Width);
            var predicted = y == 0 ? pixels[i - 1]
                : x == 0 ? pixels[i - Width]
                : Predict((int)(Data[((y >> Bits) * blocks) + (x >> Bits)] >> 8) & 15, pixels, i);
            pixels[i] = Add(pixels[i], predicted);
        }

        return pixels;
    }

    // The pixel above and to the right of the last one of a row is the first one of that row, which was read.
    private uint Predict(int mode, uint[] pixels, int at)
    {
        var (left, top) = (pixels[at - 1], pixels[at - Width]);
        var (topLeft, topRight) = (pixels[at - Width - 1], pixels[at - Width + 1]);
        return mode switch
        {
            1 => left,
            2 => top,
            3 => topRight,
            4 => topLeft,
            5 => Average(Average(left, topRight), top),
            6 => Average(left, topLeft),
            7 => Average(left, top),
            8 => Average(topLeft, top),
            9 => Average(top, topRight),
            10 => Average(Average(left, topLeft), Average(top, topRight)),
            11 => Select(left, top, topLeft),
            12 => Channels(left, top, topLeft, (l, t, tl) => l + t - tl),
            13 => Channels(Average(left, top), topLeft, 0, (mean, tl, _) => mean + ((mean - tl) / 2)),
            _ => 0xFF000000,
        };
    }

    private static uint Average(uint a, uint b) => (((a ^ b) & 0xFEFEFEFE) >> 1) + (a & b);

    private static uint Select(uint left, uint top, uint topLeft)
    {
        // How far left + top - topLeft is from top, and from left.
        var (toTop, toLeft) = (0, 0);
        for (var shift = 0; shift < 32; shift += 8)
        {
            toTop += Math.Abs((int)((left >> shift) & 255) - (int)((topLeft >> shift) & 255));
            toLeft += Math.Abs((int)((top >> shift) & 255) - (int)((topLeft >> shift) & 255));
        }

        return toLeft < toTop ? left : top;
    }

    private static uint Channels(uint a, uint b, uint c, Func<int, int, int, int> combine)
    {
        var result = 0u;
        for (var shift = 0; shift < 32; shift += 8)
        {
            var value = combine((int)((a >> shift) & 255), (int)((b >> shift) & 255), (int)((c >> shift) & 255));
            result |= (uint)Math.Clamp(value, 0, 255) << shift;
        }

        return result;
    }

    private uint[] UndoColor(uint[] pixels)
    {
        var blocks = (Width + (1 << Bits) - 1) >> Bits;
        for (var i = 0; i < pixels.Length; i++)
        {
            var element = Data[((i / Width >> Bits) * blocks) + (i % Width >> Bits)];
            var (greenToRed, greenToBlue, redToBlue) = ((sbyte)element, (sbyte)(element >> 8), (sbyte)(element >> 16));
            var green = (sbyte)(pixels[i] >> 8);
            var red = (byte)((pixels[i] >> 16) + (uint)((greenToRed * green) >> 5));
            var blue = (byte)(pixels[i] + (uint)((greenToBlue * green) >> 5) + (uint)((redToBlue * (sbyte)red) >> 5));
            pixels[i] = (pixels[i] & 0xFF00FF00) | ((uint)red << 16) | blue;
        }

        return pixels;
    }

    private static uint[] UndoSubtractGreen(uint[] pixels)
    {
        for (var i = 0; i < pixels.Length; i++)
        {
            var green = (pixels[i] >> 8) & 0xFF;
            pixels[i] = Add(pixels[i], (green << 16) | green);
        }

        return pixels;
    }

    private uint[] UndoIndexing(uint[] pixels)
    {
        var height = pixels.Length / CodedWidth;
        var result = new uint[Width * height];
        var bitsOfPixel = 8 >> Bits;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                var packed = (pixels[(y * CodedWidth) + (x >> Bits)] >> 8) & 0xFF;
                var index = (packed >> ((x & ((1 << Bits) - 1)) * bitsOfPixel)) & ((1u << bitsOfPixel) - 1);

                // An index beyond the table is transparent black.
                result[(y * Width) + x] = index < Data.Length ? Data[index] : 0;
            }
        }

        return result;
    }
}
