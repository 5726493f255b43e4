namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>
/// One of the three planes of a frame, whole macroblocks, with a row above and columns to the left and right that prediction looks at.
/// </summary>
/// <remarks>RFC 6386, section 12.2: the row above the frame is 127, the column left of it 129.</remarks>
internal sealed class Plane
{
    private const int Border = 4;

    public Plane(int width, int height)
    {
        (Width, Height) = (width, height);
        Stride = width + (2 * Border);
        Samples = new byte[Stride * (height + 1)];
        Samples.AsSpan(0, Stride).Fill(127);
        for (var y = 0; y < height; y++)
        {
            Samples[At(-1, y)] = 129;
        }
    }

    public int Width { get; }

    public int Height { get; }

    public int Stride { get; }

    public byte[] Samples { get; }

    /// <summary>Where a sample is; -1 is the border.</summary>
    public int At(int x, int y) => ((y + 1) * Stride) + Border + x;
}
