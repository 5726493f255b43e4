namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>A lossy picture as it is coded: brightness, and color at half the resolution.</summary>
internal sealed class Vp8Frame(int width, int height)
{
    public int Columns => (width + 15) / 16;

    public int Rows => (height + 15) / 16;

    public Plane Y { get; } = new((width + 15) / 16 * 16, (height + 15) / 16 * 16);

    public Plane U { get; } = new((width + 15) / 16 * 8, (height + 15) / 16 * 8);

    public Plane V { get; } = new((width + 15) / 16 * 8, (height + 15) / 16 * 8);

    /// <summary>Opaque pixels, by ITU-R BT.601 in 65,536ths.</summary>
    public byte[] ToRgba()
    {
        var rgba = new byte[width * height * 4];
        var at = 0;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++, at += 4)
            {
                var luma = (Y.Samples[Y.At(x, y)] - 16) * 76309;
                var (u, v) = (U.Samples[U.At(x / 2, y / 2)] - 128, V.Samples[V.At(x / 2, y / 2)] - 128);
                rgba[at] = Sample(luma + (v * 104597));
                rgba[at + 1] = Sample(luma - (u * 25674) - (v * 53278));
                rgba[at + 2] = Sample(luma + (u * 132201));
                rgba[at + 3] = byte.MaxValue;
            }
        }

        return rgba;
    }

    private static byte Sample(int value) => (byte)Math.Clamp((value + 32768) >> 16, 0, 255);
}
