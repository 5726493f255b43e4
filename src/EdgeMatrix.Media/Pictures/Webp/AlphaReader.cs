namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>The chunk ALPH: how see-through the pixels of a lossy picture are.</summary>
/// <remarks>RFC 9649, section 2.7.1.2</remarks>
internal static class AlphaReader
{
    private const int Horizontal = 1;
    private const int Vertical = 2;
    private const int Gradient = 3;

    /// <param name="rgba">Takes the alpha.</param>
    public static void Read(ReadOnlySpan<byte> chunk, int width, int height, byte[] rgba)
    {
        var alpha = (chunk[0] & 3) switch
        {
            0 when chunk.Length > width * height => chunk.Slice(1, width * height).ToArray(),
            1 => GreenOf(new Vp8lReader(chunk[1..]).Read(width, height)),
            _ => throw new InvalidDataException("No such alpha"),
        };
        Unfilter((chunk[0] >> 2) & 3, width, alpha);
        for (var i = 0; i < alpha.Length; i++)
        {
            rgba[(i * 4) + 3] = alpha[i];
        }
    }

    private static byte[] GreenOf(uint[] argb)
    {
        var green = new byte[argb.Length];
        for (var i = 0; i < argb.Length; i++)
        {
            green[i] = (byte)(argb[i] >> 8);
        }

        return green;
    }

    private static void Unfilter(int filter, int width, byte[] alpha)
    {
        if (filter == 0)
        {
            return;
        }

        for (var i = 1; i < alpha.Length; i++)
        {
            var (left, above) = (i % width != 0, i >= width);
            var predicted = (left, above) switch
            {
                (true, false) => alpha[i - 1],
                (false, _) => alpha[i - width],
                _ => filter switch
                {
                    Horizontal => alpha[i - 1],
                    Vertical => alpha[i - width],
                    Gradient => Math.Clamp(alpha[i - 1] + alpha[i - width] - alpha[i - width - 1], 0, 255),
                    _ => 0,
                },
            };
            alpha[i] += (byte)predicted;
        }
    }
}
