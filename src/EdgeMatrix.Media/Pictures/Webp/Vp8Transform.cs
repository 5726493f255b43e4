namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>From coefficients to what is added to a prediction.</summary>
/// <remarks>RFC 6386, sections 14.3 and 14.4</remarks>
internal static class Vp8Transform
{
    // sqrt(2) cos(pi / 8) - 1 and sqrt(2) sin(pi / 8), in 65,536ths.
    private const int Cosine = 20091;
    private const int Sine = 35468;

    /// <summary>The first coefficients of sixteen blocks out of those of the second kind.</summary>
    public static void InverseWalshHadamard(ReadOnlySpan<int> block, Span<int> dc)
    {
        Span<int> half = stackalloc int[16];
        for (var i = 0; i < 4; i++)
        {
            var (a, b) = (block[i] + block[12 + i], block[4 + i] + block[8 + i]);
            var (c, d) = (block[4 + i] - block[8 + i], block[i] - block[12 + i]);
            (half[i], half[4 + i], half[8 + i], half[12 + i]) = (a + b, c + d, a - b, d - c);
        }

        for (var i = 0; i < 16; i += 4)
        {
            var (a, b) = (half[i] + half[i + 3], half[i + 1] + half[i + 2]);
            var (c, d) = (half[i + 1] - half[i + 2], half[i] - half[i + 3]);
            (dc[i], dc[i + 1], dc[i + 2], dc[i + 3]) = ((a + b + 3) >> 3, (c + d + 3) >> 3, (a - b + 3) >> 3, (d - c + 3) >> 3);
        }
    }

    /// <summary>Adds what the coefficients say to four by four samples.</summary>
    public static void Add(ReadOnlySpan<int> block, Plane plane, int at)
    {
        Span<int> half = stackalloc int[16];
        for (var i = 0; i < 4; i++)
        {
            var (a, b, c, d) = Pass(block[i], block[4 + i], block[8 + i], block[12 + i]);
            (half[i], half[4 + i], half[8 + i], half[12 + i]) = (a, b, c, d);
        }

        for (var y = 0; y < 4; y++, at += plane.Stride)
        {
            var (a, b, c, d) = Pass(half[y * 4], half[(y * 4) + 1], half[(y * 4) + 2], half[(y * 4) + 3]);
            var row = plane.Samples.AsSpan(at, 4);
            row[0] = (byte)Math.Clamp(row[0] + ((a + 4) >> 3), 0, 255);
            row[1] = (byte)Math.Clamp(row[1] + ((b + 4) >> 3), 0, 255);
            row[2] = (byte)Math.Clamp(row[2] + ((c + 4) >> 3), 0, 255);
            row[3] = (byte)Math.Clamp(row[3] + ((d + 4) >> 3), 0, 255);
        }
    }

    private static (int First, int Second, int Third, int Fourth) Pass(int i0, int i1, int i2, int i3)
    {
        var (a, b) = (i0 + i2, i0 - i2);
        var c = BySine(i1) - ByCosine(i3);
        var d = ByCosine(i1) + BySine(i3);
        return (a + d, b + c, b - c, a - d);
    }

    private static int BySine(int value) => (int)(((long)value * Sine) >> 16);

    private static int ByCosine(int value) => value + (int)(((long)value * Cosine) >> 16);
}
