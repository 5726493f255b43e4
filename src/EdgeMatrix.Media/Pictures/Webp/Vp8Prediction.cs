namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>How a macroblock is predicted from what is above and to the left; those of four by four pixels know more ways.</summary>
internal enum SubblockMode
{
    Dc,
    TrueMotion,
    Vertical,
    Horizontal,
    RightDown,
    VerticalRight,
    LeftDown,
    VerticalLeft,
    HorizontalDown,
    HorizontalUp,
}

/// <summary>Predicts blocks.</summary>
/// <remarks>RFC 6386, section 12</remarks>
internal static class Vp8Prediction
{
    /// <summary>A square of 8 or 16 samples.</summary>
    public static void PredictWhole(Plane plane, int left, int top, int side, SubblockMode mode)
    {
        var samples = plane.Samples;
        var at = plane.At(left, top);
        var stride = plane.Stride;
        var above = samples.AsSpan(at - stride, side);
        switch (mode)
        {
            case SubblockMode.Vertical:
                for (var y = 0; y < side; y++)
                {
                    above.CopyTo(samples.AsSpan(at + (y * stride)));
                }

                break;
            case SubblockMode.Horizontal:
                for (var y = 0; y < side; y++)
                {
                    samples.AsSpan(at + (y * stride), side).Fill(samples[at + (y * stride) - 1]);
                }

                break;
            case SubblockMode.TrueMotion:
                TrueMotion(plane, at, side);
                break;
            default:
                var dc = MeanOfEdges(plane, at, side, hasAbove: top > 0, hasLeft: left > 0);
                for (var y = 0; y < side; y++)
                {
                    samples.AsSpan(at + (y * stride), side).Fill(dc);
                }

                break;
        }
    }

    /// <summary>A square of four samples.</summary>
    /// <param name="edge">What is around it: from the lower left up to the corner (4), then the eight above.</param>
    public static void PredictPart(Plane plane, int at, SubblockMode mode, ReadOnlySpan<byte> edge)
    {
        var (samples, stride) = (plane.Samples, plane.Stride);
        if (mode == SubblockMode.TrueMotion)
        {
            TrueMotion(plane, at, 4);
            return;
        }

        for (var y = 0; y < 4; y++)
        {
            for (var x = 0; x < 4; x++)
            {
                samples[at + (y * stride) + x] = Sample(mode, edge, x, y);
            }
        }
    }

    private static byte Sample(SubblockMode mode, ReadOnlySpan<byte> e, int x, int y)
    {
        switch (mode)
        {
            case SubblockMode.Dc:
                return (byte)((e[0] + e[1] + e[2] + e[3] + e[5] + e[6] + e[7] + e[8] + 4) >> 3);
            case SubblockMode.Vertical:
                return Smooth(e, 5 + x);
            case SubblockMode.Horizontal:
                return y == 3 ? Mean3(e[1], e[0], e[0]) : Smooth(e, 3 - y);
            case SubblockMode.LeftDown:
                return x + y == 6 ? Mean3(e[11], e[12], e[12]) : Smooth(e, 6 + x + y);
            case SubblockMode.RightDown:
                return Smooth(e, 4 + x - y);
            case SubblockMode.VerticalRight:
                // Means of two and of three in turn, down and to the right.
                return (2 * x) - y is >= 0 and var down
                    ? (down & 1) == 0 ? Mean2(e, 4 + (down / 2)) : Smooth(e, 5 + (down / 2))
                    : Smooth(e, 5 - (y - (2 * x)));
            case SubblockMode.VerticalLeft:
                return (x, y) switch
                {
                    (3, 2) => Smooth(e, 10),
                    (3, 3) => Smooth(e, 11),
                    _ => (y & 1) == 0 ? Mean2(e, 5 + x + (y / 2)) : Smooth(e, 6 + x + (y / 2)),
                };
            case SubblockMode.HorizontalDown:
                return (2 * y) - x is >= 0 and var right
                    ? (right & 1) == 0 ? Mean2(e, 3 - (right / 2)) : Smooth(e, 4 - ((right + 1) / 2))
                    : Smooth(e, 3 + (x - (2 * y)));
            default:
                var up = x + (2 * y);
                return up > 5 ? e[0]
                    : up == 5 ? Mean3(e[1], e[0], e[0])
                    : (up & 1) == 0 ? Mean2(e, 2 - (up / 2)) : Smooth(e, 2 - (up / 2));
        }
    }

    private static byte Smooth(ReadOnlySpan<byte> edge, int at) => Mean3(edge[at - 1], edge[at], edge[at + 1]);

    private static byte Mean3(int a, int b, int c) => (byte)((a + (2 * b) + c + 2) >> 2);

    private static byte Mean2(ReadOnlySpan<byte> edge, int at) => (byte)((edge[at] + edge[at + 1] + 1) >> 1);

    private static void TrueMotion(Plane plane, int at, int side)
    {
        var (samples, stride) = (plane.Samples, plane.Stride);
        var corner = samples[at - stride - 1];
        for (var y = 0; y < side; y++)
        {
            var left = samples[at + (y * stride) - 1];
            for (var x = 0; x < side; x++)
            {
                samples[at + (y * stride) + x] = (byte)Math.Clamp(left + samples[at - stride + x] - corner, 0, 255);
            }
        }
    }

    private static byte MeanOfEdges(Plane plane, int at, int side, bool hasAbove, bool hasLeft)
    {
        var sum = 0;
        for (var i = 0; i < side; i++)
        {
            sum += hasAbove ? plane.Samples[at - plane.Stride + i] : 0;
            sum += hasLeft ? plane.Samples[at + (i * plane.Stride) - 1] : 0;
        }

        var count = (hasAbove ? side : 0) + (hasLeft ? side : 0);
        return count == 0 ? (byte)128 : (byte)((sum + (count / 2)) / count);
    }
}
